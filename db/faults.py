"""What the drivers' errors mean."""

import logging
import sqlite3
from typing import Final

import pymysql
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from rollcall.core.errors import DatabaseError, InvalidRequest, RollcallError

log = logging.getLogger(__name__)

DRIVER_ERRORS: Final = (SQLAlchemyError, sqlite3.Error, pymysql.MySQLError)

# The transaction was given up and nothing of it is kept: a deadlock, a lock that did not come in time, too
# many connections, a server that closed this one (at its shutdown, or because somebody ended it).
_PASSING: Final = frozenset({1213, 1205, 1040, 1203, 1053, 1927})
# MySQL's numbers and SQLite's names of a full disk; the latter also tells a file that may not grow.
_FULL: Final = (1021, 1114, "SQLITE_FULL", "SQLITE_IOERR_WRITE")
# A text with letters that the column's character set lacks, and one too long for the column.
_NOT_STORABLE: Final = frozenset({1366, 1406})
# A wrong name or password, no right to the database, no such database, a way to log in that is not allowed.
_NOT_LET_IN: Final = frozenset({1044, 1045, 1049, 1698})


def passes(error: Exception) -> bool:
    """Whether the same transaction may succeed if it is tried again at once."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or _number(error) in _PASSING


def not_storable(error: Exception) -> bool:
    """Whether a column refused a text, for its letters or its length."""
    return _number(error) in _NOT_STORABLE


def translated(error: Exception) -> RollcallError:
    """The error that callers see; the log gets the exception's class and the driver's number, no more.

    Raise it `from None`: the driver quotes values in its messages.
    """
    number = _number(error)
    cause = error.orig if isinstance(error, DBAPIError) else error
    shown = getattr(cause, "sqlite_errorname", number)
    log.warning("database error: %s, %s", type(cause).__name__, shown if shown is not None else "no number")
    if shown in _FULL:
        return DatabaseError("The database cannot be written to: its disk is full.")
    if isinstance(error, PoolTimeout):
        return DatabaseError("No database connection became free in time.")
    if number in _NOT_LET_IN:
        return DatabaseError(f"The database does not let this account in (error {number}).")
    if not_storable(error):
        return InvalidRequest("The database's column is too short for a text, or lacks letters of it.")
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    # PyMySQL's numbers from 2000 on are its own: the server could not be reached or did not answer.
    if lost or (number is not None and 2000 <= number < 3000):
        return DatabaseError()
    return DatabaseError(f"The database refused the request (error {shown})." if shown is not None else None)


def unreadable(error: OSError) -> DatabaseError:
    """What is raised where a file that DATABASE_URL names, such as `ssl_ca`, is none that can be used."""
    log.warning("database error: %s, a file that DATABASE_URL names", type(error).__name__)
    return DatabaseError("A file that DATABASE_URL names, such as a certificate, cannot be read.")


def _number(error: Exception) -> int | None:
    """MySQL's number of an error; None where it has none, and for SQLite's."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    first = cause.args[0] if isinstance(cause, pymysql.MySQLError) and cause.args else None
    return first if isinstance(first, int) else None
