"""A database that makes callers wait."""

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pymysql

from tests.api.calls import enroll, enrollment, error_of, recognize
from tests.api.conftest import StartApp
from tests.mariadb import PASSWORD, MariaDBServer, database_name
from tests.packs import picture
from tests.servers import ANSWER_LIMIT_SECONDS


@contextmanager
def holding(mariadb: MariaDBServer, database_url: str, statement: str) -> Iterator[None]:
    """Run a statement that locks, and keep the lock while the block runs."""
    connection = pymysql.connect(
        host="127.0.0.1",
        port=mariadb.port,
        user="rollcall",
        password=PASSWORD,
        database=database_name(database_url),
        read_timeout=30,
    )
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        cursor.execute(statement)
        yield


def test_a_batch_ends_soon_after_the_database_failed(start_app: StartApp, tmp_path: Path) -> None:
    api = start_app(database_timeout_seconds=1)
    items = [enrollment(f"S{number}", number % 60) for number in range(60)]
    with closing(sqlite3.connect(tmp_path / "rollcall.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        answer = api.post("/api/face/batch-enroll", json={"enrollments": items}).json()
        # Not a second for each.
        assert time.monotonic() - began < 45
        other.execute("ROLLBACK")
    assert {result["error_code"] for result in answer["results"]} == {"DATABASE_ERROR"}
    assert answer["summary"]["failed"] == 60
    assert (
        api.post("/api/face/batch-enroll", json={"enrollments": items[:2]}).json()["summary"]["failed"] == 0
    )


def test_recognising_does_not_wait_for_those_who_wait_to_enrol(
    start_app: StartApp, mariadb: MariaDBServer
) -> None:
    url = mariadb.new_database()
    api = start_app(database_url=url, database_timeout_seconds=60)
    enroll(api, "S0", 0)
    with ThreadPoolExecutor(8) as callers:
        with holding(mariadb, url, "SELECT * FROM RollcallState FOR UPDATE"):
            enrolling = [callers.submit(enroll, api, f"S{number}", number) for number in range(1, 9)]
            for _ in range(3):
                assert recognize(api, 0)["match"]["person_code"] == "S0"
            assert not any(one.done() for one in enrolling)
        for one in enrolling:
            one.result(ANSWER_LIMIT_SECONDS)


def test_faces_that_cannot_be_counted_make_nobody_ill(start_app: StartApp, mariadb: MariaDBServer) -> None:
    url = mariadb.new_database()
    api = start_app(database_url=url, database_timeout_seconds=2)
    with holding(mariadb, url, "LOCK TABLES FaceData WRITE"):
        began = time.monotonic()
        while time.monotonic() - began < 6:  # a statement may take one second
            assert api.get("/api/health").json()["status"] == "healthy"
        answer = api.get("/api/face/list/all")
        assert error_of(answer, 503) == "DATABASE_ERROR"
    assert api.post("/api/face/detect", files={"image": picture(0)}).status_code == 200
