"""Rows of FaceRecognitionLogs that are older than the retention."""

import asyncio
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from db import tables
from db.engine import SqlDatabase, open_database
from db.retention import CHUNK, WINDOW
from rollcall.core.records import RecognitionAttempt
from rollcall.workflows.retain_logs import RetainLogs
from tests.db.rows import read


def logged(database: SqlDatabase, days_ago: Iterable[float | None], first_id: int = 1) -> None:
    """A row for each, with numbers from `first_id` on."""
    with database.connection() as connection:
        [now] = connection.exec_driver_sql("SELECT CURRENT_TIMESTAMP").one()
        now = now if isinstance(now, datetime) else datetime.fromisoformat(now)
        rows = [
            {"Id": first_id + n, "RecognitionDate": None if days is None else now - timedelta(days=days)}
            for n, days in enumerate(days_ago)
        ]
        connection.execute(tables.face_recognition_logs.insert(), rows)


def left(database: SqlDatabase) -> list[int]:
    return [row[0] for row in read(database, "SELECT Id FROM FaceRecognitionLogs ORDER BY Id")]


def retain(database: SqlDatabase, days: int | None) -> int:
    return asyncio.run(RetainLogs(database=database, days=days).round())


def test_rows_older_than_the_retention_are_deleted(database: SqlDatabase) -> None:
    logged(database, [40, 31, 29, 31, 0])
    assert retain(database, 30) == 3
    assert left(database) == [3, 5]


def test_without_a_retention_every_row_stays(database: SqlDatabase) -> None:
    logged(database, [4000, 1])
    assert retain(database, None) == 0
    assert left(database) == [1, 2]


def test_rows_without_a_date_stay(database: SqlDatabase) -> None:
    logged(database, [None, 40, None])
    assert retain(database, 30) == 1
    assert left(database) == [1, 3]


def test_a_new_row_is_dated_by_the_clock_that_retention_goes_by(database: SqlDatabase) -> None:
    with database.transaction() as records:
        records.log.add([RecognitionAttempt(person=None, confidence=0, processing_time_ms=1)])
    assert retain(database, 1) == 0
    assert len(left(database)) == 1


def test_more_rows_than_a_chunk_and_numbers_far_apart_are_all_looked_at(database: SqlDatabase) -> None:
    old = 2 * CHUNK + 5
    logged(database, [None, *[40] * old, 1])
    logged(database, [1, 40], first_id=3 * WINDOW)
    logged(database, [40], first_id=2_000_000_000)
    assert retain(database, 30) == old + 2
    assert left(database) == [1, old + 2, 3 * WINDOW]


def test_a_transaction_deletes_a_chunk_at_most(database: SqlDatabase) -> None:
    logged(database, [40] * (CHUNK + 1))
    with database.transaction() as records:
        removed = records.log_retention.remove(older_than_days=30, after_id=0)
    assert removed is not None
    assert (removed.count, left(database)) == (CHUNK, [CHUNK + 1])


def test_the_shared_retention_counts_in_place_of_the_environments(database: SqlDatabase) -> None:
    logged(database, [400, 40])
    with database.transaction() as records:
        records.settings.put("log_retention_days", "365")
    assert retain(database, 30) == 1
    assert left(database) == [2]


@pytest.fixture
def replicas(database: SqlDatabase, database_url: str) -> Iterator[list[SqlDatabase]]:
    others = [open_database(database_url, 1) for _ in range(3)]
    yield [database, *others]
    for other in others:
        other.close()


def test_several_replicas_may_delete_at_once(replicas: list[SqlDatabase]) -> None:
    logged(replicas[0], [40] * 3 * CHUNK + [1])
    with ThreadPoolExecutor(len(replicas)) as pool:
        counts = list(pool.map(lambda database: retain(database, 30), replicas))
    assert sum(counts) == 3 * CHUNK
    assert left(replicas[0]) == [3 * CHUNK + 1]
