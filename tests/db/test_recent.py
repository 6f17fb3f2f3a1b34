"""What was recognised of late."""

import threading
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from db import recent, tables
from db.engine import SqlDatabase
from rollcall.core.records import RecognitionAttempt
from rollcall.core.statistics import Attempts, Outcomes, RecentAttempts
from tests.db.rows import put

SINCE = datetime(2026, 9, 1, 9)
PATIENCE_SECONDS = 4.0  # for what takes some tenths on a quiet machine


def log(database: SqlDatabase, *rows: dict[str, Any]) -> None:
    with database.connection() as connection:
        connection.execute(insert(tables.face_recognition_logs), list(rows))


def row(at: datetime | None, success: int | None = 1, milliseconds: int | None = 40) -> dict[str, Any]:
    return {"RecognitionDate": at, "Success": success, "ProcessingTimeMs": milliseconds}


def face(similarity: float | None, code: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "RecognitionId": "0" * 32,
        "Face": 1,
        "Model": "m",
        "PersonCode": code,
        "Similarity": similarity,
        "CreatedDate": SINCE,
        **more,
    }


def since(database: SqlDatabase) -> RecentAttempts:
    with database.transaction() as records:
        return records.recent.since(SINCE)


def in_order(attempts: Any) -> list[Attempts]:
    return sorted(attempts, key=lambda each: (each.hour, each.recognised, each.milliseconds or -1))


def test_the_time_is_the_databases(database: SqlDatabase) -> None:
    with database.transaction() as records:
        before = records.recent.now()
        records.log.add([RecognitionAttempt(person=None, confidence=0, processing_time_ms=1)])
    with database.connection() as connection:
        at = connection.execute(select(tables.face_recognition_logs.c.RecognitionDate)).scalar_one()
    assert timedelta(0) <= at - before < timedelta(minutes=1)


def test_nothing_is_nothing(database: SqlDatabase) -> None:
    assert since(database) == RecentAttempts(attempts=[], similarity={}, complete=True)


def test_rows_that_are_alike_are_counted_together(database: SqlDatabase) -> None:
    log(
        database,
        row(SINCE - timedelta(seconds=1)),
        row(SINCE),
        row(SINCE + timedelta(minutes=59)),
        row(SINCE + timedelta(minutes=59), success=0),
        row(SINCE + timedelta(hours=2), success=None),
        row(SINCE + timedelta(hours=2), milliseconds=None),
        row(None),
    )
    third = SINCE + timedelta(hours=2)
    assert in_order(since(database).attempts) == [
        Attempts(hour=SINCE, recognised=False, milliseconds=40, count=1),
        Attempts(hour=SINCE, recognised=True, milliseconds=40, count=2),
        Attempts(hour=third, recognised=False, milliseconds=40, count=1),
        Attempts(hour=third, recognised=True, milliseconds=None, count=1),
    ]


def test_faces_are_counted_by_how_alike_they_are(database: SqlDatabase) -> None:
    faces = [
        face(0.6, "S1"),
        face(0.6499, "S1"),
        face(0.65, "S1"),
        face(0.64),
        face(0.55, "S1"),
        face(-0.3),
        face(-0.01),
        face(0.0),
        face(1.0, "S1"),
        face(1.0000001, "S1"),
        face(None),
        face(0.1, Face=0),
        face(0.1, Face=None),
        face(0.1, CreatedDate=SINCE - timedelta(seconds=1)),
    ]
    faces = [{**each, "RecognitionId": f"{n:032}"} for n, each in enumerate(faces)]
    put(database, tables.recognitions, *faces)
    assert since(database).similarity == {
        0: Outcomes(not_recognised=3),
        11: Outcomes(recognised=1),
        12: Outcomes(recognised=2, not_recognised=1),
        13: Outcomes(recognised=1),
        19: Outcomes(recognised=2),
    }


def in_small_windows(database: SqlDatabase) -> RecentAttempts:
    """As if the table were large: windows of 10 rows, of which 5 are looked at."""
    with database.connection() as connection:
        return recent.SqlRecentRecognitions(connection, window=10, max_rows=50).since(SINCE)


@pytest.mark.parametrize(
    ("rows", "counted", "complete"), [(9, 9, True), (10, 10, True), (50, 50, True), (51, 50, False)]
)
def test_the_newest_rows_are_counted_and_no_more(
    database: SqlDatabase, rows: int, counted: int, complete: bool
) -> None:
    log(database, *(row(SINCE) for _ in range(rows)))
    found = in_small_windows(database)
    assert (sum(each.count for each in found.attempts), found.complete) == (counted, complete)


def test_it_ends_where_rows_are_old(database: SqlDatabase) -> None:
    log(database, *(row(SINCE) for _ in range(7)))  # dated later than what was written after them
    log(database, *(row(SINCE - timedelta(days=1)) for _ in range(70)))
    log(database, *(row(SINCE) for _ in range(15)))
    with database.connection() as connection:
        connection.execute(text("DELETE FROM FaceRecognitionLogs WHERE Id % 2 = 0"))
    found = in_small_windows(database)
    assert (sum(each.count for each in found.attempts), found.complete) == (7, True)


def test_it_waits_for_no_writer(database: SqlDatabase) -> None:
    log(database, row(SINCE))
    locked, done = threading.Event(), threading.Event()

    def write() -> None:
        with database.transaction() as records:
            records.changes.lock()
            locked.set()
            assert done.wait(30)

    writer = threading.Thread(target=write)
    writer.start()
    assert locked.wait(30)
    try:
        assert len(since(database).attempts) == 1
    finally:
        done.set()
        writer.join()


@pytest.mark.slow
def test_a_large_log_is_counted_at_once(database: SqlDatabase) -> None:
    """300,000 rows, of which more than are counted are of the last day."""
    with database.connection() as connection:
        for minute in range(300):
            at = SINCE + timedelta(minutes=minute)
            rows = [row(at, n % 5, 20 + (n * n) % 400) for n in range(1000)]
            connection.execute(insert(tables.face_recognition_logs), rows)
    began = time.monotonic()
    found = since(database)
    spent = time.monotonic() - began
    assert (sum(each.count for each in found.attempts), found.complete) == (recent.MAX_ROWS, False)
    assert spent < PATIENCE_SECONDS
