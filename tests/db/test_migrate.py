"""Empty, old and half-migrated databases."""

import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from sqlalchemy import inspect, text

from db import tables
from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from db.migrations import MIGRATIONS
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.people import Person
from rollcall.core.records import AttendanceStatus, RecognitionAttempt
from tests.db.rows import OLD_NUMBERS, entries, new_face, read, student
from tests.mariadb import MariaDBServer

ROOT = Path(__file__).parents[2]


def test_the_migrations_make_the_tables_that_statements_expect(database: SqlDatabase) -> None:
    with database.connection() as connection:
        inspector = inspect(connection)
        assert set(inspector.get_table_names()) == set(tables.metadata.tables)
        for name, table in tables.metadata.tables.items():
            found = {column["name"]: column for column in inspector.get_columns(name)}
            assert list(found) == [column.name for column in table.columns], name
            for column in table.columns:
                expected = column.nullable or (column.primary_key and found[column.name]["nullable"])
                assert found[column.name]["nullable"] is expected, (name, column.name)


def test_attendance_refers_to_sessions(database: SqlDatabase) -> None:
    with database.connection() as connection:
        (key,) = inspect(connection).get_foreign_keys("AttendanceRecords")
    assert (key["referred_table"], key["constrained_columns"]) == ("Sessions", ["SessionId"])


def test_migrating_again_changes_nothing(database: SqlDatabase) -> None:
    with database.transaction() as records:
        records.faces.add(new_face())
    assert migrate(database) == ()
    assert read(database, "SELECT COUNT(*) FROM FaceData") == [(1,)]
    applied = read(database, "SELECT Number, Name FROM RollcallMigrations ORDER BY Number")
    assert applied == [(migration.number, migration.name) for migration in MIGRATIONS]


def test_an_interrupted_migration_is_taken_up_again(database: SqlDatabase) -> None:
    with database.connection() as connection:
        connection.exec_driver_sql("DELETE FROM RollcallMigrations")
        connection.exec_driver_sql("DROP TABLE AttendanceRecords")
        connection.exec_driver_sql("DROP TABLE Sessions")
    migrate(database)
    with database.transaction() as records:
        assert records.attendance.ensure_session(3)
        records.attendance.add(3, "S1", AttendanceStatus.LATE)


def test_many_threads_may_migrate_at_once(database_url: str) -> None:
    def start(_number: int) -> int:
        database = open_database(database_url, pool_size=1)
        try:
            migrate(database)
            with database.transaction() as records:
                return records.faces.add(new_face())
        finally:
            database.close()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(start, range(6))) == [1, 2, 3, 4, 5, 6]


def test_many_processes_may_migrate_at_once(database_url: str) -> None:
    script = (
        "import sys; from db.engine import open_database; from db.migrate import migrate\n"
        "print(flush=True); sys.stdin.readline()\n"
        "database = open_database(sys.argv[1], 1); migrate(database); database.close()"
    )
    command = [sys.executable, "-W", "error", "-c", script, database_url]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(subprocess.Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True))
            for _ in range(4)
        ]
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()  # it has imported everything
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
        assert [process.wait(timeout=120) for process in processes] == [0, 0, 0, 0]
    database = open_database(database_url, 1)
    applied = read(database, "SELECT Number FROM RollcallMigrations ORDER BY Number")
    database.close()
    assert applied == [(migration.number,) for migration in MIGRATIONS]


_PERSON = (
    "CREATE TABLE {0} (Id INT AUTO_INCREMENT PRIMARY KEY, {0}Code CHAR(10), {0}Nickname VARCHAR(100),"
    " {0}Name VARCHAR(200), {0}Image LONGBLOB, EmailAddress VARCHAR(100), Campus VARCHAR(50),"
    " {1} VARCHAR(100), CreatedDate DATETIME DEFAULT CURRENT_TIMESTAMP, UNIQUE ({0}Code))"
)
USERS_TABLES = [
    _PERSON.format("Student", "Form"),
    _PERSON.format("Teacher", "Department"),
    "CREATE TABLE FaceData (Id INT AUTO_INCREMENT PRIMARY KEY, PersonType VARCHAR(20),"
    " PersonCode CHAR(10) NOT NULL, ImageData LONGBLOB, FaceDescriptor LONGTEXT, OriginalName VARCHAR(255),"
    " ContentType VARCHAR(100), CreatedDate DATETIME DEFAULT CURRENT_TIMESTAMP)",
    "CREATE TABLE Sessions (Id INT AUTO_INCREMENT PRIMARY KEY, Subject VARCHAR(50))",
    "CREATE TABLE AttendanceRecords (Id INT AUTO_INCREMENT PRIMARY KEY, SessionId INT NOT NULL,"
    " StudentCode CHAR(10) NOT NULL, Status VARCHAR(20), AttendanceDate DATETIME,"
    " CreatedDate DATETIME DEFAULT CURRENT_TIMESTAMP)",
]
USERS_ROWS = [
    "INSERT INTO Student (Id, StudentCode, StudentName) VALUES (5, 'ab-1', 'Zo\u00eb'), (6, 'AB-2', NULL)",
    "INSERT INTO Teacher (TeacherCode, TeacherName) VALUES ('T1', 'Tom')",
    "INSERT INTO Sessions VALUES (1, 'Maths')",
    "INSERT INTO FaceData VALUES"
    f" (9, 'student', 'AB-1', 'jpeg', '{OLD_NUMBERS}', 'a.jpg', 'image/jpeg', NULL)",
    "INSERT INTO AttendanceRecords (SessionId, StudentCode, Status) VALUES (1, 'ab-1', 'Absent')",
]
USERS = ("Student", "Teacher", "FaceData", "Sessions", "AttendanceRecords")
DIALECTS = [
    "ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci",
    "ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_bin",
    "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci",
    "ENGINE=MyISAM DEFAULT CHARSET=utf8mb3",
]


@pytest.fixture(params=DIALECTS)
def users_database(request: pytest.FixtureRequest, mariadb: MariaDBServer) -> Iterator[SqlDatabase]:
    database = open_database(
        mariadb.new_database(charset="latin1", collation="latin1_swedish_ci"), pool_size=2
    )
    with database.connection() as connection:
        for table in USERS_TABLES:
            connection.execute(text(f"{table} {request.param}"))
        for row in USERS_ROWS:
            connection.execute(text(row))
    yield database
    database.close()


def everything(database: SqlDatabase) -> list[Sequence[Any]]:
    """Definition and rows of each of the users' tables."""
    definitions = [read(database, f"SHOW CREATE TABLE {name}") for name in USERS]
    return definitions + [read(database, f"SELECT * FROM {name} ORDER BY Id") for name in USERS]


def test_the_users_tables_and_rows_stay_as_they_are(users_database: SqlDatabase) -> None:
    before = everything(users_database)
    migrate(users_database)
    assert everything(users_database) == before


def test_the_users_rows_can_be_worked_with(users_database: SqlDatabase) -> None:
    migrate(users_database)
    with users_database.transaction() as records:
        assert records.people.find(student("AB-1 ")) == Person(key=student("ab-1"), name="Zoë")
        (old,) = entries(records.faces.embeddings())
        assert (old.face_id, old.model, old.person) == (9, FALLBACK_MODEL, student("ab-1"))
        (listed,), _ = records.faces.list(type=None, code="ab-1", limit=10, offset=0)
        assert listed.person_name == "Zoë"
        new = records.faces.add(new_face(student("aB-1")))
        assert records.faces.count(student("AB-1")) == 2
        assert records.attendance.status_of(1, "AB-1") is AttendanceStatus.ABSENT
        records.attendance.change(1, "AB-1", AttendanceStatus.LATE)
        assert records.attendance.ensure_session(1)
        assert not records.attendance.ensure_session(2)
        records.log.add([RecognitionAttempt(person=student("ab-1"), confidence=1, processing_time_ms=1)])
        assert records.faces.remove(new)
    assert read(users_database, "SELECT Status FROM AttendanceRecords") == [("Late",)]
    assert read(users_database, "SELECT Id, Subject FROM Sessions") == [(1, "Maths")]


@pytest.mark.parametrize(
    ("definition", "refers"),
    [
        ("Id INT PRIMARY KEY, Subject TEXT", True),
        ("Id INT(10) NOT NULL UNIQUE, Place INT PRIMARY KEY", True),
        ("id int PRIMARY KEY", True),
        ("Id INT UNSIGNED PRIMARY KEY", False),
        ("Id BIGINT PRIMARY KEY", False),
        ("Id INT, Place INT, PRIMARY KEY (Id, Place)", False),
        ("Id INT, KEY (Id)", False),
    ],
)
def test_attendance_refers_to_the_users_sessions_where_they_allow_it(
    mariadb: MariaDBServer, definition: str, refers: bool
) -> None:
    database = open_database(mariadb.new_database(), pool_size=1)
    with database.connection() as connection:
        connection.exec_driver_sql(f"CREATE TABLE Sessions ({definition}) ENGINE=InnoDB")
    migrate(database)
    with database.connection() as connection:
        assert bool(inspect(connection).get_foreign_keys("AttendanceRecords")) is refers
    database.close()


@pytest.mark.parametrize("options", ["ENGINE=MyISAM", "PARTITION BY HASH (Id) PARTITIONS 2"])
def test_nothing_refers_to_sessions_without_foreign_keys(mariadb: MariaDBServer, options: str) -> None:
    database = open_database(mariadb.new_database(), pool_size=1)
    with database.connection() as connection:
        connection.exec_driver_sql(f"CREATE TABLE Sessions (Id INT PRIMARY KEY) {options}")
    migrate(database)
    with database.connection() as connection:
        assert inspect(connection).get_foreign_keys("AttendanceRecords") == []
    database.close()


def test_a_sessions_table_that_cannot_be_referred_to_is_no_obstacle(mariadb: MariaDBServer) -> None:
    database = open_database(mariadb.new_database(), pool_size=1)
    with database.connection() as connection:
        connection.exec_driver_sql("CREATE TABLE Sessions (Id BIGINT UNSIGNED PRIMARY KEY) ENGINE=MyISAM")
        connection.exec_driver_sql("INSERT INTO Sessions VALUES (1)")
    migrate(database)
    with database.transaction() as records:
        assert records.attendance.ensure_session(1)
        assert not records.attendance.ensure_session(2)
        records.attendance.add(1, "S1", AttendanceStatus.PRESENT)
    database.close()


def test_tables_without_transactions_are_named_at_the_start(
    mariadb: MariaDBServer, caplog: pytest.LogCaptureFixture
) -> None:
    database = open_database(mariadb.new_database(), pool_size=1)
    migrate(database)
    with caplog.at_level(logging.WARNING):
        migrate(database)
    assert not caplog.records
    with database.connection() as connection:
        connection.exec_driver_sql("ALTER TABLE FaceData ENGINE=MyISAM")
    with caplog.at_level(logging.WARNING):
        migrate(database)
    assert "storage engine of FaceData knows no transactions" in caplog.text
    database.close()
