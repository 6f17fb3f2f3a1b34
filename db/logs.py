"""FaceRecognitionLogs."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from db.expressions import chunks
from db.faults import not_storable
from db.locking import start_writing
from db.quick_inserts import Row, insert_now
from rollcall.core.records import RecognitionAttempt

_COLUMNS: Final = "PersonCode, PersonType, Confidence, ProcessingTimeMs, SourceImageName, Success"
_MAX_INT: Final = 2**31 - 1


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

    def _is_stored(self, rows: Sequence[Row]) -> bool:
        """Insert the rows; False, and none of them, if a column cannot store a text."""
        try:
            self._insert(rows)
        except DBAPIError as error:
            if not_storable(error):
                return False
            raise
        return True

    def _insert(self, rows: Sequence[Row]) -> None:
        insert_now(self._connection, f"FaceRecognitionLogs ({_COLUMNS}, RecognitionDate)", rows)


def _row(attempt: RecognitionAttempt) -> Row:
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


def _in_ascii(row: Row) -> Row:
    return tuple(
        value.encode("ascii", "replace").decode("ascii") if isinstance(value, str) else value for value in row
    )
