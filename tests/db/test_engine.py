"""Transactions, timeouts, errors and secrets."""

import logging
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pymysql
import pytest

from db import tables
from db.connect import Waits
from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.core.database_ports import Database
from rollcall.core.errors import DatabaseError, PersonNotFound
from rollcall.core.records import RecognitionAttempt
from tests.db.rows import new_face, read, student
from tests.mariadb import PASSWORD, MariaDBServer, is_installed


def test_a_sql_database_is_a_database(database: SqlDatabase, database_url: str) -> None:
    port: Database = database
    assert port.kind == database_url.split(":")[0].split("+")[0]
    database.ping()


@pytest.mark.parametrize("pool_size", [1, 16])
def test_sixteen_threads_can_write(database: SqlDatabase, database_url: str, pool_size: int) -> None:
    wide = open_database(database_url, pool_size)

    def write(number: int) -> None:
        for _ in range(10):
            with wide.transaction() as records:
                records.changes.latest()
                records.log.add([RecognitionAttempt(person=None, confidence=0, processing_time_ms=number)])
            with wide.transaction() as records:
                records.faces.count(student("S1"))
                records.faces.add(new_face(student("S1")))

    try:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(write, range(16)))
    finally:
        wide.close()
    assert read(database, "SELECT COUNT(*) FROM FaceData") == [(160,)]
    assert read(database, "SELECT COUNT(*) FROM FaceRecognitionLogs") == [(160,)]


def test_errors_of_ours_pass_through_and_roll_back(database: SqlDatabase) -> None:
    error = PersonNotFound("who?")

    def fail() -> None:
        with database.transaction() as records:
            records.faces.add(new_face())
            raise error

    with pytest.raises(PersonNotFound) as caught:
        fail()
    assert caught.value is error
    assert read(database, "SELECT COUNT(*) FROM FaceData") == [(0,)]


def test_a_refused_statement_tells_nobody_its_values(
    database: SqlDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    row = {"Name": "private-value", "Value": "x"}

    def insert_it() -> None:
        with database.connection() as connection:
            connection.execute(tables.state.insert().values(**row))

    insert_it()
    with caplog.at_level(logging.DEBUG), pytest.raises(DatabaseError) as caught:
        insert_it()
    assert "private-value" not in str(caught.value) + caplog.text + repr(caught.value.details)
    assert caught.value.__suppress_context__
    assert "IntegrityError" in caplog.text


def test_at_debug_level_neither_values_nor_rows_are_logged(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        database = open_database(database_url, 1)
        migrate(database)
        with database.transaction() as records:
            records.faces.add(new_face(student("private")))
            records.faces.list(type=None, code="private", limit=1, offset=0)
        database.close()
    assert "private" not in caplog.text
    assert PASSWORD not in caplog.text


def test_a_database_without_tables_is_an_error(database_url: str) -> None:
    database = open_database(database_url, 1)
    try:
        with pytest.raises(DatabaseError), database.transaction() as records:
            records.faces.add(new_face())
        database.ping()
    finally:
        database.close()


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_server_that_does_not_answer_is_an_error_within_the_limit(
    deaf_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"mysql+pymysql://u:{PASSWORD}@127.0.0.1:{deaf_port}/d?connect_timeout=1&read_timeout=1"
    database = open_database(url, 1)
    began = time.monotonic()
    with caplog.at_level(logging.DEBUG), pytest.raises(DatabaseError) as caught:
        database.ping()
    assert time.monotonic() - began < 10
    database.close()
    assert PASSWORD not in str(caught.value) + repr(caught.value) + repr(database) + caplog.text


def test_a_closed_port_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    database = open_database(f"mysql+pymysql://u:{PASSWORD}@127.0.0.1:1/d", 1)
    with caplog.at_level(logging.DEBUG), pytest.raises(DatabaseError) as caught:
        database.ping()
    database.close()
    assert str(caught.value) == "The database did not answer."
    assert "2003" in caplog.text
    assert PASSWORD not in caplog.text


def test_a_wrong_password_is_an_error_that_does_not_tell_it(
    mariadb: MariaDBServer, caplog: pytest.LogCaptureFixture
) -> None:
    database = open_database(mariadb.new_database().replace(PASSWORD, "wr0ng-pass"), 1)
    with caplog.at_level(logging.DEBUG), pytest.raises(DatabaseError) as caught:
        database.ping()
    database.close()
    assert "1045" in str(caught.value)
    assert "wr0ng-pass" not in str(caught.value) + caplog.text


@pytest.mark.parametrize(
    "url", ["rubbish-s3cret-pass", "mysql+pymysql://u:p@h:s3cret-pass/d", "postgresql://h/d", "sqlite://"]
)
def test_an_address_that_cannot_be_used_is_an_error_that_does_not_tell_it(url: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        open_database(url, 1)
    assert PASSWORD not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseError):
        open_database(f"sqlite:///{tmp_path}/file/rollcall.db", 1)


def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "rollcall.db").write_bytes(b"not a database" * 1000)
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", 1)
    with pytest.raises(DatabaseError):
        database.ping()
    database.close()


def test_waiting_for_a_connection_has_a_limit(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", 1, Waits(connection=0.2))
    with database.connection(), pytest.raises(DatabaseError, match="became free"):
        database.ping()
    database.close()


def test_waiting_for_the_lock_has_a_limit(database_url: str) -> None:
    database = open_database(database_url, 2, Waits(lock=1))
    migrate(database)
    with database.transaction() as holder:
        holder.changes.lock()
        with pytest.raises(DatabaseError), database.transaction() as other:
            other.changes.lock()
        holder.faces.add(new_face())
    assert read(database, "SELECT COUNT(*) FROM FaceData") == [(1,)]
    database.close()


def test_connections_recover_when_the_server_was_restarted() -> None:
    if not is_installed():
        pytest.skip("MariaDB is not installed (apt-get install mariadb-server)")
    with MariaDBServer() as server:
        database = open_database(server.new_database(), pool_size=3)
        migrate(database)
        barrier = threading.Barrier(3)

        def hold(_number: int) -> None:
            with database.transaction() as records:
                records.faces.count()
                barrier.wait(timeout=20)

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(hold, range(3)))
        server.stop()
        with pytest.raises(DatabaseError):
            database.ping()
        server.start()
        barrier.reset()
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(hold, range(3)))
        database.close()


def test_a_connection_in_use_closes_when_its_transaction_ends(database_url: str) -> None:
    database = open_database(database_url, pool_size=1)
    migrate(database)
    with database.connection() as connection:
        driver: Any = connection.connection.driver_connection
        database.close()
        connection.exec_driver_sql("SELECT 1")
    with pytest.raises((pymysql.err.InterfaceError, sqlite3.ProgrammingError)):
        driver.cursor().execute("SELECT 1")


def test_a_connection_lost_within_a_transaction_is_an_error_once(mariadb: MariaDBServer) -> None:
    database = open_database(mariadb.new_database(), pool_size=1)
    migrate(database)

    def lose_it() -> None:
        with database.connection() as connection:
            number = connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one()
            mariadb.execute(f"KILL {number}")
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(DatabaseError, match="did not answer"):
        lose_it()
    database.ping()
    database.close()
