"""FaceRecognitionLogs."""

import math
from collections.abc import Iterable

from sqlalchemy import Connection, func, insert

from db import tables
from db.locking import start_writing
from rollcall.core.records import RecognitionAttempt

_MAX_INT = 2**31 - 1


class SqlRecognitionLog:
    """All SQL about recognition attempts. The caller owns the transaction. Dates are the database's clock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, attempts: Iterable[RecognitionAttempt]) -> None:
        """Insert a row for each attempt, dated now. Waits for no other writer on MySQL."""
        rows = [_row(attempt) for attempt in attempts]
        if not rows:
            return
        start_writing(self._connection)
        statement = insert(tables.face_recognition_logs).values(RecognitionDate=func.current_timestamp())
        self._connection.execute(statement, rows)


def _row(attempt: RecognitionAttempt) -> dict[str, object]:
    person, name = attempt.person, attempt.source_image_name
    confidence = attempt.confidence if math.isfinite(attempt.confidence) else 0.0
    return {
        "PersonCode": person.code if person else None,
        "PersonType": person.type.value if person else None,
        "Confidence": round(min(max(confidence, 0.0), 1.0), 4),
        "ProcessingTimeMs": min(max(attempt.processing_time_ms, 0), _MAX_INT),
        "SourceImageName": name[:255] if name is not None else None,
        "Success": int(attempt.success),
    }
