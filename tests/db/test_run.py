"""Transactions that are tried again, and limits on waiting."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from db.connect import WAITS, Waits
from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from db.records import SqlRecords
from rollcall.core.database_ports import Records
from rollcall.core.errors import DatabaseError, InvalidRequest, PersonNotFound
from rollcall.core.people import Person
from tests.db.rows import new_face, read, student
from tests.mariadb import MariaDBServer


@contextmanager
def opened(url: str, pool_size: int = 2, waits: Waits = WAITS) -> Iterator[SqlDatabase]:
    database = open_database(url, pool_size, waits)
    migrate(database)
    yield database
    database.close()


def sql(records: Records, statement: str) -> None:
    assert isinstance(records, SqlRecords)
    records.connection.exec_driver_sql(statement)


def test_what_was_done_in_a_thread_is_committed(database: SqlDatabase) -> None:
    face_id = asyncio.run(database.run(lambda records: records.faces.add(new_face())))
    assert read(database, "SELECT Id FROM FaceData") == [(face_id,)]


def test_errors_of_the_work_pass_and_roll_back(database: SqlDatabase) -> None:
    def work(records: Records) -> None:
        records.faces.add(new_face())
        raise PersonNotFound

    with pytest.raises(PersonNotFound):
        database.run_sync(work)
    assert read(database, "SELECT COUNT(*) FROM FaceData") == [(0,)]


def test_of_two_in_a_deadlock_both_succeed(mysql_database: SqlDatabase) -> None:
    meeting = threading.Barrier(2)
    tries: list[str] = []

    def work(records: Records, first: str, second: str) -> None:
        tries.append(first)
        sql(records, f"UPDATE RollcallSettings SET Value = '{first}' WHERE Name = '{first}'")
        if tries.count(first) == 1:
            meeting.wait(timeout=20)
        sql(records, f"UPDATE RollcallSettings SET Value = '{first}' WHERE Name = '{second}'")

    mysql_database.run_sync(
        lambda records: sql(records, "INSERT INTO RollcallSettings VALUES ('a', '', NULL)")
    )
    mysql_database.run_sync(
        lambda records: sql(records, "INSERT INTO RollcallSettings VALUES ('b', '', NULL)")
    )
    with ThreadPoolExecutor(2) as pool:
        both = [
            pool.submit(mysql_database.run_sync, lambda records: work(records, "a", "b")),
            pool.submit(mysql_database.run_sync, lambda records: work(records, "b", "a")),
        ]
        for one in both:
            one.result()
    assert len(tries) > 2


def test_a_lock_that_comes_late_is_waited_for_again(mariadb: MariaDBServer) -> None:
    held, tried = threading.Event(), threading.Event()
    with opened(mariadb.new_database(), waits=Waits(lock=1)) as database:

        def hold() -> None:
            with database.transaction() as records:
                records.changes.lock()
                held.set()
                tried.wait(timeout=20)
                time.sleep(1.5)

        def work(records: Records) -> None:
            tried.set()
            records.faces.add(new_face())

        with ThreadPoolExecutor(1) as pool:
            holder = pool.submit(hold)
            held.wait(timeout=20)
            database.run_sync(work)
            holder.result()
        assert read(database, "SELECT COUNT(*) FROM FaceData") == [(1,)]


def test_a_closed_connection_is_replaced_and_the_work_done_again(mariadb: MariaDBServer) -> None:
    numbers: list[int] = []

    def work(records: Records) -> int:
        assert isinstance(records, SqlRecords)
        numbers.append(records.connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one())
        if len(numbers) == 1:
            mariadb.execute(f"KILL {numbers[0]}")
        return records.faces.add(new_face())

    with opened(mariadb.new_database()) as database:
        database.run_sync(work)
        assert len(set(numbers)) == 2
        assert read(database, "SELECT COUNT(*) FROM FaceData") == [(1,)]


def test_what_comes_too_late_is_not_written(database_url: str) -> None:
    with opened(database_url, waits=Waits(call=0.5)) as database:
        with database.transaction() as holder:
            holder.changes.lock()
            began = time.monotonic()
            with pytest.raises(DatabaseError, match="in time"):
                asyncio.run(database.run(lambda records: records.faces.add(new_face())))
            assert time.monotonic() - began < 5
        # The lock is free by now; whoever waited for it must leave nothing behind.
        time.sleep(1)
        assert read(database, "SELECT COUNT(*) FROM FaceData") == [(0,)]


def test_what_was_given_up_is_not_written_later(database: SqlDatabase) -> None:
    begun, given_up, done = threading.Event(), threading.Event(), threading.Event()

    def work(records: Records) -> None:
        try:
            records.faces.add(new_face())
            begun.set()
            assert given_up.wait(60)
        finally:
            done.set()

    async def scenario() -> None:
        running = asyncio.create_task(database.run(work))
        await asyncio.to_thread(begun.wait, 60)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        given_up.set()
        await asyncio.to_thread(done.wait, 60)
        # Whoever writes next waits for what the first left behind.
        await database.run(lambda records: records.faces.add(new_face()))

    asyncio.run(scenario())
    assert read(database, "SELECT COUNT(*) FROM FaceData") == [(1,)]


def test_those_who_wait_for_a_thread_give_up_in_time_too(database_url: str) -> None:
    async def crowd(database: SqlDatabase) -> list[BaseException | int]:
        adding = (database.run(lambda records: records.faces.add(new_face())) for _ in range(6))
        return await asyncio.gather(*adding, return_exceptions=True)

    with opened(database_url, pool_size=2, waits=Waits(call=0.5)) as database:
        other = open_database(database_url, 1)
        with other.transaction() as holder:
            holder.changes.lock()
            results = asyncio.run(crowd(database))
        other.close()
        assert all(isinstance(result, DatabaseError) for result in results)


def test_a_statement_has_a_time_limit(database_url: str) -> None:
    endless, ended = "SELECT SLEEP(60)", "1969"
    if database_url.startswith("sqlite"):
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
        ended = "SQLITE_INTERRUPT"
    with opened(database_url, waits=Waits(statement=1)) as database:
        with pytest.raises(DatabaseError, match=ended):
            database.run_sync(lambda records: sql(records, endless))
        database.ping()


def test_what_was_lost_while_committing_is_not_done_again(mariadb: MariaDBServer) -> None:
    tries: list[int] = []

    def work(records: Records) -> None:
        records.faces.add(new_face())
        assert isinstance(records, SqlRecords)
        tries.append(records.connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one())
        mariadb.execute(f"KILL {tries[-1]}")

    with opened(mariadb.new_database()) as database:
        with pytest.raises(DatabaseError):
            database.run_sync(work)
        assert len(tries) == 1


def test_a_connection_that_was_closed_while_idle_is_replaced(mariadb: MariaDBServer) -> None:
    with opened(mariadb.new_database(), pool_size=1) as database:
        with database.connection() as connection:
            number = connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one()
        mariadb.execute(f"KILL {number}")
        with database.transaction() as records:  # which is never tried again
            records.faces.add(new_face())


def test_a_text_that_a_column_cannot_store_is_the_callers_error(
    mariadb: MariaDBServer, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(mariadb.new_database(charset="latin1", collation="latin1_swedish_ci")) as database:
        with database.connection() as connection:
            connection.exec_driver_sql("ALTER TABLE Student CONVERT TO CHARACTER SET latin1")
        with caplog.at_level(logging.DEBUG), pytest.raises(InvalidRequest, match="column") as caught:
            database.run_sync(lambda records: records.people.add(Person(key=student("S1"), name="王小明")))
        assert "王" not in caught.value.message + caplog.text
