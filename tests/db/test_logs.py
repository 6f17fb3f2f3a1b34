"""FaceRecognitionLogs."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from db import tables
from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.core.records import RecognitionAttempt
from tests.db.rows import read, student
from tests.mariadb import MariaDBServer


def attempt(**changed: Any) -> RecognitionAttempt:
    values: dict[str, Any] = {"person": student("S1"), "confidence": 0.5, "processing_time_ms": 12}
    return RecognitionAttempt(**{**values, **changed})


def test_every_attempt_becomes_a_row(database: SqlDatabase) -> None:
    with database.transaction() as records:
        records.log.add([attempt(confidence=0.98765, source_image_name="é" * 300), attempt(person=None)])
        records.log.add([])
    with database.connection() as connection:
        hit, miss = connection.execute(select(tables.face_recognition_logs)).all()
    assert (hit.PersonCode, hit.PersonType, hit.ProcessingTimeMs, hit.Success) == ("S1", "student", 12, 1)
    assert float(hit.Confidence) == pytest.approx(0.9877, abs=0.00011)
    assert hit.SourceImageName == "é" * 255
    assert isinstance(hit.RecognitionDate, datetime)
    assert (miss.PersonCode, miss.PersonType, miss.SourceImageName, miss.Success) == (None, None, None, 0)


@pytest.mark.parametrize(("confidence", "stored"), [(-0.2, 0), (1.7, 1), (float("nan"), 0), (0.25, 0.25)])
def test_confidence_is_kept_between_zero_and_one(
    database: SqlDatabase, confidence: float, stored: float
) -> None:
    with database.transaction() as records:
        records.log.add([attempt(confidence=confidence, processing_time_ms=2**40)])
    ((kept, milliseconds),) = read(database, "SELECT Confidence, ProcessingTimeMs FROM FaceRecognitionLogs")
    assert float(kept) == stored
    assert milliseconds == 2**31 - 1


def test_what_a_latin1_table_cannot_store_gets_question_marks_and_the_rest_is_kept(
    mariadb: MariaDBServer,
) -> None:
    database = open_database(mariadb.new_database(), pool_size=1)
    migrate(database)
    with database.connection() as connection:
        connection.exec_driver_sql("ALTER TABLE FaceRecognitionLogs CONVERT TO CHARACTER SET latin1")
    with database.transaction() as records:
        records.log.add(
            [
                attempt(source_image_name="王.jpg"),
                attempt(source_image_name="école.jpg"),
                attempt(person=student("Ж1")),
            ]
        )
    stored = read(database, "SELECT PersonCode, SourceImageName FROM FaceRecognitionLogs ORDER BY Id")
    assert stored == [("S1", "?.jpg"), ("S1", "école.jpg"), ("?1", None)]
    database.close()
