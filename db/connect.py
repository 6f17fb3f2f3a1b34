"""Connections: how they are made, and how long they may wait."""

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pymysql
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError

from db.expressions import SQLITE_FOLD, sqlite_crc32, sqlite_fold_code
from db.locking import begin_deferred
from rollcall.core.errors import DatabaseError

CONNECT_TIMEOUT: Final = 5  # seconds
MAX_CONNECTION_AGE: Final = 1800  # seconds
# SQLite looks at the clock each time it has done this many steps of its virtual machine.
STEPS_BETWEEN_LOOKS: Final = 20_000

# Fixed, so that it does not depend on the server: with the strict mode nothing is cut or replaced silently.
MYSQL_MODE: Final = "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Every wait has a limit, in seconds."""

    call: float = 10  # for one call of `SqlDatabase.run`, its turn and its retries included
    lock: int = 5  # for another writer's lock
    connection: float = 5  # for a free connection
    statement: int = 8  # for one statement, after which the database ends it

    @property
    def answer(self) -> int:
        """For a silent server. Longer than a statement may take, so that the server ends that first."""
        return self.statement + 2

    @classmethod
    def within(cls, seconds: int) -> "Waits":
        """Such that a call has failed after so many seconds, and can try a second time within them."""
        half = max(1, seconds // 2)
        return cls(call=seconds, lock=half, connection=half, statement=max(1, seconds - 2))


WAITS: Final = Waits()


def make_engine(url: str, pool_size: int, waits: Waits) -> Engine:
    """An engine with at most `pool_size` connections. Connects when first used.

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
    return engine


def missing_file(url: str) -> Path | None:
    """The SQLite file of an address, if there is none yet. An address that is none is left to make_engine."""
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):
        return None
    if parsed.get_backend_name() != "sqlite" or not parsed.database or "uri" in parsed.query:
        return None
    file = Path(parsed.database).absolute()
    return None if file.exists() else file


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
        # Some builds have less by default: what was answered must outlive a power cut.
        connection.execute("PRAGMA synchronous = FULL").close()
        # 16 MB: with the 2 MB it has by itself, looking for a person in 1,000 faces reads them all again.
        connection.execute("PRAGMA cache_size = -16000").close()
        connection.create_function(SQLITE_FOLD, 1, sqlite_fold_code, deterministic=True)
        connection.create_function("crc32", 1, sqlite_crc32, deterministic=True)
        _use_wal(connection, waits.lock)

    _end_long_statements(engine, waits.statement)
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


def _end_long_statements(engine: Engine, limit: int) -> None:
    """SQLite knows no time limit for statements; asked now and then, it gives one up."""

    @event.listens_for(engine, "before_cursor_execute")
    def _begin(connection: Connection, *_rest: object) -> None:
        deadline = time.monotonic() + limit
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_progress_handler(lambda: time.monotonic() > deadline, STEPS_BETWEEN_LOOKS)


def _mysql(url: URL, pool_size: int, waits: Waits) -> Engine:
    defaults: dict[str, Any] = {
        "charset": "utf8mb4",
        "connect_timeout": CONNECT_TIMEOUT,
        "read_timeout": waits.answer,
        "write_timeout": waits.answer,
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
            cursor.execute("SELECT VERSION()")
            [version] = cursor.fetchone()
            # MariaDB limits every statement, in seconds; MySQL reading ones only, in milliseconds.
            limit = f"max_statement_time = {waits.statement}"
            if "MariaDB" not in version:
                limit = f"max_execution_time = {waits.statement * 1000}"
            cursor.execute(
                f"SET SESSION sql_mode = '{MYSQL_MODE}', innodb_lock_wait_timeout = {waits.lock}, {limit}"
            )

    return engine
