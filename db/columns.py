"""Whether the users' tables have the columns that statements name."""

import warnings
from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, Table, inspect
from sqlalchemy.exc import SAWarning

from db import tables
from rollcall.core.errors import DatabaseError

# Never read or written, or only where they are.
_UNUSED: Final = frozenset({"EmailAddress", "Campus", "Form", "Department", "StudentImage", "TeacherImage"})
USERS_TABLES: Final = (
    tables.student,
    tables.teacher,
    tables.face_data,
    tables.sessions,
    tables.attendance_records,
    tables.face_recognition_logs,
)


def require_columns(connection: Connection) -> None:
    """Check the users' tables that exist; the others are created with all columns.

    Raises:
        DatabaseError: columns are missing; the message names them.
    """
    if missing := list(_missing(connection)):
        raise DatabaseError(
            f"The database lacks columns that Rollcall needs: {', '.join(missing)}. "
            "Rollcall does not alter your tables; docs/moving-in.md says which columns they must have."
        )


def _missing(connection: Connection) -> Iterator[str]:
    """As `Table.Column`."""
    inspector = inspect(connection)
    for table in USERS_TABLES:
        if inspector.has_table(table.name):
            # MySQL and SQLite both compare names of columns without regard to case.
            found = {column["name"].lower() for column in inspector.get_columns(table.name)}
            missing = (name for name in needed_columns(table) if name.lower() not in found)
            yield from (f"{table.name}.{name}" for name in missing)


def column_names(connection: Connection, table: Table) -> frozenset[str]:
    """The columns that a table has, in small letters."""
    with warnings.catch_warnings():
        # Of types in the school's tables that SQLAlchemy does not know.
        warnings.simplefilter("ignore", SAWarning)
        return frozenset(column["name"].lower() for column in inspect(connection).get_columns(table.name))


def needed_columns(table: Table) -> Iterator[str]:
    """The columns of a users' table without which nothing works."""
    return (column.name for column in table.columns if column.name not in _UNUSED)
