"""Old rows of tables that only grow."""

from datetime import datetime
from typing import Final

from sqlalchemy import Column, Connection, Table, TextClause, and_, delete, func, select, text

from db import tables
from db.locking import start_writing
from rollcall.core.records import RemovedAttempts

CHUNK: Final = 1000  # rows to delete at once, so that nobody waits long for their locks
WINDOW: Final = 50_000  # Ids to look through at once: no index serves the date, and the table may be huge


class SqlLogRetention:
    """All SQL that removes old rows of one table. The caller owns the transaction."""

    def __init__(self, connection: Connection, table: Table, date: Column[datetime]) -> None:
        self._connection = connection
        self._table = table
        self._date = date

    def remove(self, *, older_than_days: int, after_id: int) -> RemovedAttempts | None:
        """Delete what is older by the database's clock, at most CHUNK of the WINDOW Ids after `after_id`.

        None when there is no row after it. Rows without a date stay.
        """
        table = self._table
        first = self._connection.execute(select(func.min(table.c.Id)).where(table.c.Id > after_id)).scalar()
        if first is None:
            return None
        last = first + WINDOW - 1
        is_old = self._date < self._days_ago(older_than_days)
        old = select(table.c.Id).where(table.c.Id.between(first, last), is_old)
        ids = self._connection.execute(old.order_by(table.c.Id).limit(CHUNK)).scalars().all()
        if not ids:
            return RemovedAttempts(count=0, last_id=last)
        start_writing(self._connection)
        # By its Id and its date, for another replica may be at work here too.
        removed = self._connection.execute(delete(table).where(and_(table.c.Id.in_(ids), is_old))).rowcount
        return RemovedAttempts(count=removed, last_id=ids[-1] if len(ids) == CHUNK else last)

    def _days_ago(self, days: int) -> TextClause:
        if self._connection.dialect.name == "sqlite":
            return text("datetime('now', '-' || :days || ' days')").bindparams(days=days)
        return text("CURRENT_TIMESTAMP - INTERVAL :days DAY").bindparams(days=days)


def of_log(connection: Connection) -> SqlLogRetention:
    """Of FaceRecognitionLogs."""
    table = tables.face_recognition_logs
    return SqlLogRetention(connection, table, table.c.RecognitionDate)


def of_recognitions(connection: Connection) -> SqlLogRetention:
    """Of RollcallRecognitions."""
    table = tables.recognitions
    return SqlLogRetention(connection, table, table.c.CreatedDate)


def of_comparisons(connection: Connection) -> SqlLogRetention:
    """Of RollcallComparisons."""
    table = tables.comparisons
    return SqlLogRetention(connection, table, table.c.CreatedDate)
