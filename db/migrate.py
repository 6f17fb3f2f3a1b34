"""Bring the database to what this version needs."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, func, insert, inspect, select, text

from db import tables
from db.engine import SqlDatabase
from db.locking import start_writing
from db.migrations import MIGRATIONS, Migration
from db.migrations.ddl import create_table
from rollcall.core.errors import DatabaseError

log = logging.getLogger(__name__)

_WAIT: Final = 25  # seconds for another process's migration; below the driver's read timeout
# The lock's name is the whole server's, so it has the database's name in it; MySQL allows 64 characters.
_NAME: Final = "CONCAT('rollcall.', SHA1(DATABASE()))"


def migrate(database: SqlDatabase) -> None:
    """Create what is missing; never alters or drops a table, and changes no row.

    Safe at every start, and when many processes start at once.

    Raises:
        DatabaseError: the database is unreachable, or does not allow it.
    """
    with database.connection() as connection:
        if not _pending(connection):
            return
    with database.connection() as connection, _alone(connection):
        create_table(
            connection,
            "RollcallMigrations",
            "Number INT PRIMARY KEY, Name VARCHAR(64) NOT NULL, AppliedDate DATETIME",
        )
        # Asked again: another process may have been first.
        for migration in _pending(connection):
            migration.apply(connection)
            row = {"Number": migration.number, "Name": migration.name}
            now = func.current_timestamp()
            connection.execute(insert(tables.migrations).values(**row, AppliedDate=now))
            log.info("database migration %d (%s) applied", migration.number, migration.name)


def _pending(connection: Connection) -> Sequence[Migration]:
    if not inspect(connection).has_table(tables.migrations.name):
        return MIGRATIONS
    done = frozenset(connection.execute(select(tables.migrations.c.Number)).scalars())
    return [migration for migration in MIGRATIONS if migration.number not in done]


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Keep other processes from migrating meanwhile."""
    start_writing(connection)
    if connection.dialect.name == "sqlite":
        yield
        return
    if connection.execute(text(f"SELECT GET_LOCK({_NAME}, {_WAIT})")).scalar() != 1:
        raise DatabaseError("Another process is still migrating the database.")
    try:
        yield
        # Others read what is pending as soon as they have the lock.
        connection.commit()
    finally:
        connection.execute(text(f"SELECT RELEASE_LOCK({_NAME})"))
