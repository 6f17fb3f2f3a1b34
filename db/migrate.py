"""Bring the database to what this version needs."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

import pymysql
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.exc import DBAPIError

from db import tables
from db.columns import USERS_TABLES, require_columns
from db.engine import SqlDatabase
from db.locking import start_writing
from db.migrations import MIGRATIONS, Migration
from db.migrations.ddl import create_table, in_words_of
from db.storage_engines import without_transactions
from rollcall.core.errors import DatabaseError

log = logging.getLogger(__name__)

_WAIT_SECONDS: Final = 60  # for another process's migration
_TURN_SECONDS: Final = 2  # of waiting for it; below every time limit of statements and of the driver
# The lock's name is the whole server's, so it has the database's name in it; MySQL allows 64 characters.
_NAME: Final = "CONCAT('rollcall.', SHA1(DATABASE()))"
# Denied: a statement, on a database, on a table or a column; or the server takes no writes at all.
_NOT_ALLOWED: Final = frozenset({1044, 1142, 1143, 1227, 1290, 1370, 1792, 1836})


class Step(NamedTuple):
    """A migration that is pending, and what it takes on this database."""

    migration: Migration
    statements: Sequence[str]


def migrate(database: SqlDatabase) -> Sequence[Migration]:
    """Create what is missing; alters no table but our own, and changes no row. Returns what was applied.

    Safe at every start, and when many processes start at once.

    Raises:
        DatabaseError: the database is unreachable, does not allow it, or lacks columns of the users' tables.
    """
    with database.connection() as connection:
        require_columns(connection)
        _tell_of_newer(connection)
        _tell_of_no_transactions(connection)
        if not _pending(connection):
            return ()
    with database.connection() as connection, _alone(connection):
        # Asked again: another process may have been first.
        steps = pending_steps(connection)
        for migration, statements in steps:
            for statement in statements:
                _execute(connection, statement)
            log.info("database migration %d (%s) applied", migration.number, migration.name)
        return [migration for migration, _ in steps]


def pending_statements(database: SqlDatabase) -> Sequence[str]:
    """What `migrate` would run now, for an administrator to run instead. Changes nothing.

    Raises:
        DatabaseError: the database is unreachable, or lacks columns of the users' tables.
    """
    with database.connection() as connection:
        require_columns(connection)
        return [statement for step in pending_steps(connection) for statement in step.statements]


def pending_steps(connection: Connection) -> Sequence[Step]:
    """The migrations not applied yet, with the statements that each still needs."""
    steps: list[Step] = []
    for migration in _pending(connection):
        statements = [*migration.statements(connection), _note(connection, migration)]
        if not steps:
            columns = "Number INT PRIMARY KEY, Name VARCHAR(64) NOT NULL, AppliedDate DATETIME"
            statements[:0] = create_table(connection, tables.migrations.name, columns)
        steps.append(Step(migration, statements))
    return steps


def _note(connection: Connection, migration: Migration) -> str:
    values = f"{migration.number}, '{migration.name}', CURRENT_TIMESTAMP"
    return in_words_of(
        connection, f"{{insert}} INTO RollcallMigrations (Number, Name, AppliedDate) VALUES ({values})"
    )


def _pending(connection: Connection) -> Sequence[Migration]:
    applied = _applied(connection)
    return [migration for migration in MIGRATIONS if migration.number not in applied]


def _applied(connection: Connection) -> frozenset[int]:
    if not inspect(connection).has_table(tables.migrations.name):
        return frozenset()
    return frozenset(connection.execute(select(tables.migrations.c.Number)).scalars())


def _tell_of_newer(connection: Connection) -> None:
    newer = _applied(connection) - {migration.number for migration in MIGRATIONS}
    if newer:
        log.warning(
            "A newer version of Rollcall has been at this database (migrations %s). This version works on: "
            "migrations only add.",
            ", ".join(str(number) for number in sorted(newer)),
        )


def _tell_of_no_transactions(connection: Connection) -> None:
    if names := without_transactions(connection, (table.name for table in USERS_TABLES)):
        log.warning(
            "The storage engine of %s knows no transactions: what fails half-way there stays half-written. "
            "ALTER TABLE ... ENGINE=InnoDB converts a table.",
            ", ".join(names),
        )


def _execute(connection: Connection, statement: str) -> None:
    try:
        connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if isinstance(error.orig, pymysql.MySQLError) and error.orig.args[0] in _NOT_ALLOWED:
            raise DatabaseError(
                "The database account may not create or alter Rollcall's tables. Hand the output of "
                "`bin/rollcall migrate --print` to the database's administrator; once it was run there, the "
                "server goes on by itself."
            ) from None
        raise


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Keep other processes from migrating meanwhile."""
    start_writing(connection)
    if connection.dialect.name == "sqlite":
        yield
        return
    _take_turn(connection)
    try:
        yield
        # Others read what is pending as soon as they have the lock.
        connection.commit()
    finally:
        connection.execute(text(f"SELECT RELEASE_LOCK({_NAME})"))


def _take_turn(connection: Connection) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while connection.execute(text(f"SELECT GET_LOCK({_NAME}, {_TURN_SECONDS})")).scalar() != 1:
        if time.monotonic() > deadline:
            raise DatabaseError("Another process is still migrating the database.")
