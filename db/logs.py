"""FaceRecognitionLogs."""

import math
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from db.expressions import chunks
from db.faults import not_storable
from db.locking import start_writing
from rollcall.core.records import RecognitionAttempt

_COLUMNS: Final = "PersonCode, PersonType, Confidence, ProcessingTimeMs, SourceImageName, Success"
_MAX_INT: Final = 2**31 - 1

_Row: TypeAlias = tuple[str | int | float | None, ...]


class SqlRecognitionLog:
    """All SQL about recognition attempts. The caller owns the transaction. Dates are the database's clock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, attempts: Iterable[RecognitionAttempt]) -> None:
        """Insert a row for each attempt, dated now. Waits for no other writer on MySQL.

        Letters that a users' own column cannot store become question marks.
        """
        for rows in chunks([_row(attempt) for attempt in attempts]):
            start_writing(self._connection)
            if not self._is_stored(rows):
                # Rows of several requests may be in it: only those that are refused are changed.
                for row in rows:
                    if not self._is_stored([row]):
                        self._insert([_in_ascii(row)])

    def _is_stored(self, rows: Sequence[_Row]) -> bool:
        """Insert the rows; False, and none of them, if a column cannot store a text."""
        try:
            self._insert(rows)
        except DBAPIError as error:
            if not_storable(error):
                return False
            raise
        return True

    def _insert(self, rows: Sequence[_Row]) -> None:
        # Written out, because every recognition comes through here: SQLAlchemy would compile the statement
        # anew for each number of rows, and PyMySQL would send the rows one by one.
        mark = "?" if self._connection.dialect.name == "sqlite" else "%s"
        row = f"({', '.join([mark] * len(rows[0]))}, CURRENT_TIMESTAMP)"
        statement = f"INSERT INTO FaceRecognitionLogs ({_COLUMNS}, RecognitionDate) VALUES "
        values = tuple(value for row in rows for value in row)
        self._connection.exec_driver_sql(statement + ", ".join([row] * len(rows)), values)


def _row(attempt: RecognitionAttempt) -> _Row:
    """In the order of _COLUMNS."""
    person, name = attempt.person, attempt.source_image_name
    confidence = attempt.confidence if math.isfinite(attempt.confidence) else 0.0
    return (
        person.code if person else None,
        person.type.value if person else None,
        round(min(max(confidence, 0.0), 1.0), 4),
        min(max(attempt.processing_time_ms, 0), _MAX_INT),
        name[:255] if name is not None else None,
        int(attempt.success),
    )


def _in_ascii(row: _Row) -> _Row:
    return tuple(
        value.encode("ascii", "replace").decode("ascii") if isinstance(value, str) else value for value in row
    )
