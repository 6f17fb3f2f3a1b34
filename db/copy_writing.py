"""Writes whole tables from plain rows."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import (
    LargeBinary,
    Text,
    cast,
    column,
    delete,
    insert,
    inspect,
    literal,
    select,
    table,
    update,
)
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError
from sqlalchemy.sql.dml import UpdateBase

from db.attendance import SqlAttendance
from db.copy_reading import PLAIN, TABLES, WINDOW, SqlReadableTables, windows
from db.expressions import chunks
from rollcall.core.backup import ALL_COLUMNS, Batch, Columns, Row, Section
from rollcall.core.errors import InvalidRequest

# What MySQL says of a value that does not fit its column; PyMySQL makes them errors of several kinds.
_DOES_NOT_FIT: Final = (1048, 1054, 1264, 1265, 1292, 1364, 1366, 1406)


class SqlWritableTables(SqlReadableTables):
    """Implements core.backup_ports.WritableTables on a connection that holds the lock."""

    def insert(self, batch: Batch) -> None:
        """Add rows as they are.

        Raises:
            InvalidRequest: a row does not fit this database; the message names it.
        """
        if not batch.rows:
            return
        named = [dict(zip(batch.columns, row, strict=True)) for row in batch.rows]
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(PLAIN[batch.section]), named)
        except (DBAPIError, UnicodeError, OverflowError) as error:
            # After a full disk SQLite has ended the transaction, and a further row would stay.
            if _misfit(error, batch.columns) is None:
                raise
            # Once more, row by row: to find the one that does not fit, and to store text that is not UTF-8.
            for row in batch.rows:
                statement = insert(PLAIN[batch.section]).values(self._values(batch, row))
                self._execute(statement, batch, row)

    def update(self, batch: Batch) -> None:
        """Give the rows of these Ids, which must exist, these values.

        Raises:
            InvalidRequest: a row does not fit this database; the message names it.
        """
        source = PLAIN[batch.section]
        for row in batch.rows:
            statement = update(source).where(source.c.Id == row[0]).values(self._values(batch, row))
            self._execute(statement, batch, row)

    def clear(self, section: Section) -> None:
        """Delete the rows that there were when this transaction began to read."""
        key = PLAIN[section].c[ALL_COLUMNS[section][0]]
        for rows in windows(self._connection, select(key), key, WINDOW):
            for keys in chunks(row[0] for row in rows):
                self._connection.execute(delete(PLAIN[section]).where(key.in_(keys)))

    def ensure_session(self, session_id: int) -> bool:
        """Whether the session exists. In a Sessions table made by us an absent one is added."""
        return SqlAttendance(self._connection).ensure_session(session_id)

    def lost_by_clearing(self, section: Section, columns: Columns) -> Sequence[str]:
        """Other columns that hold values, and other tables that refer to the rows."""
        return [*self._further_columns(section, columns), *self._referrers(TABLES[section].name)]

    def _further_columns(self, section: Section, columns: Columns) -> Iterator[str]:
        source = PLAIN[section]
        for found in inspect(self._connection).get_columns(source.name):
            name = found["name"]
            if name in columns or "computed" in found:
                continue
            other = table(source.name, column(name)).c[name]
            query = select(literal(1)).where(other.is_not(None)).limit(1)
            if self._connection.execute(query).first() is not None:
                yield f"the column {name} of {source.name}"

    def _referrers(self, name: str) -> Iterator[str]:
        inspector = inspect(self._connection)
        for other in inspector.get_table_names():
            keys = inspector.get_foreign_keys(other)
            if any(key["referred_table"].lower() == name.lower() for key in keys):
                yield f"what {other} has, which refers to {name}"

    def _values(self, batch: Batch, row: Row) -> dict[str, Any]:
        values: dict[str, Any] = dict(zip(batch.columns, row, strict=True))
        if self._connection.dialect.name == "sqlite":
            for name, cell in values.items():
                if isinstance(cell, str) and not _is_utf8(cell):
                    raw = cell.encode("utf-8", "surrogateescape")
                    values[name] = cast(literal(raw, LargeBinary), Text)
        return values

    def _execute(self, statement: UpdateBase, batch: Batch, row: Row) -> None:
        try:
            self._connection.execute(statement)
        except (DBAPIError, UnicodeError, OverflowError) as error:
            why = _misfit(error, batch.columns)
            if why is None:
                raise
            # Not `from error`: the driver quotes values in its messages.
            raise InvalidRequest(
                f"Nothing was restored: {PLAIN[batch.section].name} of this database cannot hold the "
                f"archive's row {row[0]!r}: {why}."
            ) from None


def _is_utf8(cell: str) -> bool:
    try:
        cell.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _misfit(error: Exception, columns: Columns) -> str | None:
    """What is wrong with a row; None where the fault is not the row's."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return None
    cause = error.orig if isinstance(error, DBAPIError) else error
    number = cause.args[0] if cause is not None and cause.args else None
    fits_not = isinstance(error, UnicodeError | OverflowError | IntegrityError | DataError | InterfaceError)
    if not fits_not and number not in _DOES_NOT_FIT:
        return None
    # Of the message no more than our own names.
    named = [name for name in columns if re.search(rf"\b{name}\b", str(cause))]
    told = f"error {number}" if isinstance(number, int) else type(cause).__name__
    return f"{told} in {' and '.join(named)}" if named else told
