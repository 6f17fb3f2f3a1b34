"""Where transactions begin."""

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pymysql
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from db.expressions import SQLITE_FOLD, sqlite_fold_code
from db.locking import begin_deferred
from db.records import SqlRecords
from rollcall.core.errors import DatabaseError

log = logging.getLogger(__name__)

# Every wait has a limit, in seconds.
CONNECT_TIMEOUT: Final = 5
READ_TIMEOUT: Final = 30
MAX_CONNECTION_AGE: Final = 1800

# Fixed, so that it does not depend on the server: with the strict mode nothing is cut or replaced silently.
MYSQL_MODE: Final = "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long to wait for another writer's lock, and for a free connection, in seconds."""

    lock: int = 10
    connection: float = 15


class SqlDatabase:
    """A SQLite file or a MySQL database. All of it blocks; call it in a thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def kind(self) -> str:
        """`sqlite` or `mysql`."""
        return self._engine.dialect.name

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A transaction's bare connection, for migrations. Commits and raises as `transaction` does."""
        try:
            with self._connect() as connection:
                yield connection
                connection.commit()
        except (SQLAlchemyError, sqlite3.Error, pymysql.MySQLError) as error:
            # Not `from error`: the driver quotes values in its messages.
            raise _translated(error) from None

    def _connect(self) -> Connection:
        try:
            return self._engine.connect()
        except TypeError:
            # What the driver says to a word in the address's query that it does not know.
            raise DatabaseError("DATABASE_URL has an option that the driver does not know.") from None

    @contextmanager
    def transaction(self) -> Iterator[SqlRecords]:
        """Committed when the block ends, rolled back when it raises.

        Raises:
            DatabaseError: the database is unreachable or refused a statement. Other errors pass unchanged.
        """
        with self.connection() as connection:
            yield SqlRecords(connection)

    def ping(self) -> None:
        """One round trip.

        Raises:
            DatabaseError: the database is unreachable.
        """
        with self.connection() as connection:
            connection.execute(select(1))

    def close(self) -> None:
        """Close the pool's connections. Those in use close when their transactions end."""
        self._engine.dispose()

    def __repr__(self) -> str:
        return f"SqlDatabase({self.kind})"


def open_database(url: str, pool_size: int, waits: Waits = Waits()) -> SqlDatabase:
    """A database with at most `pool_size` connections. Connects when first used.

    Raises:
        DatabaseError: the address cannot be understood, or the SQLite file's folder cannot be made.
    """
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):
        raise DatabaseError("DATABASE_URL cannot be understood.") from None
    kind = parsed.get_backend_name()
    if kind not in ("sqlite", "mysql"):
        raise DatabaseError("DATABASE_URL must begin with sqlite:/// or mysql+pymysql://.")
    engine = (_sqlite if kind == "sqlite" else _mysql)(parsed, pool_size, waits)
    begin_deferred(engine)
    return SqlDatabase(engine)


def _engine(url: URL, pool_size: int, waits: Waits, **options: Any) -> Engine:
    # hide_parameters: pictures and embeddings are parameters, and must not get into messages.
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=waits.connection,
        hide_parameters=True,
        **options,
    )


def _sqlite(url: URL, pool_size: int, waits: Waits) -> Engine:
    if not url.database or url.database == ":memory:":
        raise DatabaseError("DATABASE_URL must name a file: a database in memory has only one connection.")
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise DatabaseError("The folder of the SQLite file cannot be made.") from None
    engine = _engine(url, pool_size, waits, connect_args={"timeout": waits.lock})

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: object) -> None:
        # The driver would begin transactions at moments of its own choice; db.locking begins them.
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON").close()
        connection.create_function(SQLITE_FOLD, 1, sqlite_fold_code, deterministic=True)
        _use_wal(connection, waits.lock)

    return engine


def _use_wal(connection: sqlite3.Connection, limit: float) -> None:
    """Let readers and the writer work side by side."""
    deadline = time.monotonic() + limit
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.OperationalError:
            # SQLite does not wait by itself when two processes switch a new file at once.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _mysql(url: URL, pool_size: int, waits: Waits) -> Engine:
    defaults: dict[str, Any] = {
        "charset": "utf8mb4",
        "connect_timeout": CONNECT_TIMEOUT,
        "read_timeout": READ_TIMEOUT,
        "write_timeout": READ_TIMEOUT,
        "binary_prefix": True,  # MySQL 8 warns of pictures that are not marked as binary
    }
    engine = _engine(
        url,
        pool_size,
        waits,
        pool_pre_ping=True,
        pool_recycle=MAX_CONNECTION_AGE,
        # Reads after the lock must see what others have committed.
        isolation_level="READ COMMITTED",
        connect_args={name: value for name, value in defaults.items() if name not in url.query},
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: "pymysql.Connection[Any]", _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET SESSION sql_mode = '{MYSQL_MODE}', innodb_lock_wait_timeout = {waits.lock}")

    return engine


def _translated(error: Exception) -> DatabaseError:
    """The error that callers see; the log gets the exception's class and the driver's number, no more."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    number = getattr(cause, "sqlite_errorname", None)
    if number is None and isinstance(cause, pymysql.MySQLError) and cause.args:
        number = cause.args[0] if isinstance(cause.args[0], int) else None
    log.warning("database error: %s, %s", type(cause).__name__, number if number is not None else "no number")
    if isinstance(error, PoolTimeout):
        return DatabaseError("No database connection became free in time.")
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    # PyMySQL's numbers from 2000 on are its own: the server could not be reached or did not answer.
    if lost or (isinstance(number, int) and 2000 <= number < 3000):
        return DatabaseError()
    return DatabaseError(f"The database refused the request (error {number})." if number else None)
