"""Writes whole tables from plain rows."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import (
    Connection,
    LargeBinary,
    Text,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError
from sqlalchemy.sql.dml import UpdateBase

from db import tables
from db.attendance import SqlAttendance
from db.audit import SqlAudit
from db.copy_losses import losses
from db.copy_reading import PLAIN, WINDOW, SqlReadableTables, windows
from db.expressions import chunks
from rollcall.core.backup import ALL_COLUMNS, Batch, Columns, Row, Section
from rollcall.core.errors import InvalidRequest

# What MySQL says of a value that does not fit its column; PyMySQL makes them errors of several kinds.
_DOES_NOT_FIT: Final = (1048, 1054, 1264, 1265, 1292, 1364, 1366, 1406)


class SqlWritableTables(SqlReadableTables):
    """Implements core.backup_ports.WritableTables on a connection that holds the lock."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        # On MySQL the recognition log is written by others meanwhile, for its writers take no lock.
        self._logs_meanwhile = connection.dialect.name == "mysql"
        logs = PLAIN[Section.LOGS]
        self._last_log_id: int = connection.execute(select(func.max(logs.c.Id))).scalar() or 0
        self.audit = SqlAudit(connection)

    @property
    def max_statement_bytes(self) -> int | None:
        """The longest statement that the database takes, as `max_allowed_packet` says; None for no limit."""
        if self._connection.dialect.name != "mysql":
            return None
        return int(self._connection.execute(text("SELECT @@max_allowed_packet")).scalar_one())

    def insert(self, batch: Batch) -> None:
        """Add rows as they are. Of the log those get other Ids whose own others may take meanwhile.

        Raises:
            InvalidRequest: a row does not fit this database; the message names it.
        """
        absent = self._absent_in(batch)
        kept = [row for row in batch.rows if self._keeps_id(batch.section, row)]
        others = [row for row in batch.rows if not self._keeps_id(batch.section, row)]
        self._insert(replace(batch, rows=kept), absent)
        self._insert(replace(batch, rows=others), absent | {"Id"})

    def _keeps_id(self, section: Section, row: Row) -> bool:
        if section is not Section.LOGS or not self._logs_meanwhile:
            return True
        return isinstance(row[0], int) and row[0] <= self._last_log_id

    def _insert(self, batch: Batch, left_out: frozenset[str]) -> None:
        if not batch.rows:
            return
        statement = insert(PLAIN[batch.section])
        savepoint = self._connection.begin_nested()
        try:
            self._connection.execute(statement, [_named(batch, row, left_out) for row in batch.rows])
            savepoint.commit()
        except (DBAPIError, UnicodeError, OverflowError) as error:
            # After a full disk SQLite has ended the transaction: the savepoint is gone, and any further row
            # would stay.
            if _misfit(error, batch.columns) is None:
                raise
            savepoint.rollback()
            if batch.section is Section.LOGS and self._logs_meanwhile:
                left_out |= {"Id"}
            # Once more, row by row: to find the one that does not fit, and to store text that is not UTF-8.
            for row in batch.rows:
                self._execute(statement.values(self._values(batch, row, left_out)), batch, row)

    def update(self, batch: Batch) -> None:
        """Give the rows of these Ids, which must exist, these values.

        Raises:
            InvalidRequest: a row does not fit this database; the message names it.
        """
        source, absent = PLAIN[batch.section], self._absent_in(batch)
        for row in batch.rows:
            statement = update(source).where(source.c.Id == row[0]).values(self._values(batch, row, absent))
            self._execute(statement, batch, row)

    def _absent_in(self, batch: Batch) -> frozenset[str]:
        """Columns that the table lacks and that have no values in the rows."""
        absent = self.absent(batch.section)
        for place, name in enumerate(batch.columns):
            if name in absent and any(row[place] is not None for row in batch.rows):
                raise InvalidRequest(
                    f"Nothing was restored: {PLAIN[batch.section].name} of this database has no column "
                    f"{name}, and the archive has values for it. Add the column first."
                )
        return absent

    def clear(self, section: Section) -> None:
        """Delete the rows that there were when this transaction began to read."""
        key = PLAIN[section].c[ALL_COLUMNS[section][0]]
        for rows in windows(self._connection, select(key), key, WINDOW):
            for keys in chunks(row[0] for row in rows):
                self._connection.execute(delete(PLAIN[section]).where(key.in_(keys)))
                if section is Section.FACES:
                    # What is restored under the same Ids did not come from those photos.
                    photos = tables.imported
                    self._connection.execute(delete(photos).where(photos.c.FaceId.in_(keys)))

    def ensure_session(self, session_id: int) -> bool:
        """Whether the session exists. In a Sessions table made by us an absent one is added."""
        return SqlAttendance(self._connection).ensure_session(session_id)

    def lost_by_clearing(self, section: Section, columns: Columns) -> Sequence[str]:
        """Other columns that hold values, and other tables that refer to the rows."""
        return list(losses(self._connection, PLAIN[section], columns))

    def _values(self, batch: Batch, row: Row, left_out: frozenset[str]) -> dict[str, Any]:
        values = _named(batch, row, left_out)
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


def _named(batch: Batch, row: Row, left_out: frozenset[str]) -> dict[str, Any]:
    cells = zip(batch.columns, row, strict=True)
    return {name: cell for name, cell in cells if name not in left_out}


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
