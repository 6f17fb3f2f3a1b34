"""What the roll of a session is called from."""

import time
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import insert

from db import tables
from db.engine import SqlDatabase
from rollcall.core.attendance import Mark, Selection, SessionMarks, Student, call_roll
from rollcall.core.records import AttendanceStatus
from tests.db.rows import put, read

PATIENCE_SECONDS = 3.0  # for what takes some tenths on a quiet machine


def have_sessions(database: SqlDatabase, *session_ids: int) -> None:
    put(database, tables.sessions, *({"Id": session_id} for session_id in session_ids))


def mark(
    database: SqlDatabase, session_id: int, code: str, status: str | None = "Present", **more: Any
) -> None:
    row = {"SessionId": session_id, "StudentCode": code, "Status": status, **more}
    put(database, tables.attendance_records, row)


def use_own_sessions(database: SqlDatabase) -> None:
    """As in a school that has its own Sessions table."""
    with database.connection() as connection:
        connection.exec_driver_sql("ALTER TABLE Sessions ADD COLUMN Subject VARCHAR(50)")


def test_sessions_are_listed_newest_first_with_who_is_present_or_late(database: SqlDatabase) -> None:
    have_sessions(database, 1, 2, 3)
    mark(database, 1, "S1", AttendanceDate=datetime(2026, 9, 1, 8, 30))
    mark(database, 1, "s1 ", "Late", AttendanceDate=datetime(2026, 9, 1, 8, 31))
    mark(database, 1, "S2", "Late", AttendanceDate=datetime(2026, 9, 1, 8, 20))
    mark(database, 1, "S3", "Absent", AttendanceDate=datetime(2026, 9, 1, 9, 0))
    mark(database, 2, "S1", None)
    with database.transaction() as records:
        assert records.rolls.sessions(10) == [
            SessionMarks(session_id=3, marked=0, last_marked=None),
            SessionMarks(session_id=2, marked=1, last_marked=None),
            SessionMarks(session_id=1, marked=2, last_marked=datetime(2026, 9, 1, 8, 31)),
        ]
        assert [marks.session_id for marks in records.rolls.sessions(2)] == [3, 2]


def test_an_empty_database_has_no_sessions_students_or_groups(database: SqlDatabase) -> None:
    with database.transaction() as records:
        assert records.rolls.sessions(10) == []
        assert records.rolls.students() == []
        assert records.rolls.groups() == ([], [])


def test_the_schools_own_sessions_are_known_and_no_others(database: SqlDatabase) -> None:
    use_own_sessions(database)
    have_sessions(database, 1)
    with database.transaction() as records:
        assert records.rolls.knows_session(1)
        assert not records.rolls.knows_session(2)


def test_in_our_own_table_any_session_could_be_and_none_is_added(database: SqlDatabase) -> None:
    with database.transaction() as records:
        assert records.rolls.knows_session(5)
        assert records.rolls.marks(5) == []
    assert read(database, "SELECT COUNT(*) FROM Sessions") == [(0,)]


def test_marks_are_those_of_the_session_in_their_order(database: SqlDatabase) -> None:
    have_sessions(database, 1, 2)
    at = datetime(2026, 9, 1, 8, 30)
    mark(database, 1, "S2", "late ", AttendanceDate=at)
    mark(database, 2, "S3")
    mark(database, 1, "S1", "Excused")
    with database.transaction() as records:
        assert records.rolls.marks(1) == [
            Mark(student_code="S2", status=AttendanceStatus.LATE, at=at),
            Mark(student_code="S1", status=AttendanceStatus.PRESENT, at=None),
        ]


def test_students_have_name_form_and_campus(database: SqlDatabase) -> None:
    put(
        database,
        tables.student,
        {"StudentCode": "S1", "StudentName": " Ann ", "Form": "7A", "Campus": "North", "StudentImage": b"x"},
        {"StudentCode": "S2", "StudentNickname": "Bo", "Form": " "},
        {"StudentCode": None, "StudentName": "No code"},
    )
    with database.transaction() as records:
        assert records.rolls.students() == [
            Student(code="S1", name="Ann", form="7A", campus="North"),
            Student(code="S2", name="Bo"),
        ]


def test_a_student_table_without_form_and_campus_will_do(database: SqlDatabase) -> None:
    put(database, tables.student, {"StudentCode": "S1", "StudentName": "Ann"})
    with database.connection() as connection:
        for column in ("Form", "Campus"):
            connection.exec_driver_sql(f"ALTER TABLE Student DROP COLUMN {column}")
    with database.transaction() as records:
        assert records.rolls.students() == [Student(code="S1", name="Ann")]
        assert records.rolls.groups() == ([], [])


def test_forms_and_campuses_are_told_once_in_order(database: SqlDatabase) -> None:
    groups = [("7B", "North"), ("7A", "South"), ("7b ", "north"), (None, " "), ("10C", None)]
    rows = [{"StudentCode": f"S{n}", "Form": f, "Campus": c} for n, (f, c) in enumerate(groups)]
    put(database, tables.student, *rows)
    with database.transaction() as records:
        forms, campuses = records.rolls.groups()
    assert [form.lower() for form in forms] == ["10c", "7a", "7b"]
    assert [campus.lower() for campus in campuses] == ["north", "south"]


@pytest.mark.slow
def test_a_large_school_is_called_at_once(database: SqlDatabase) -> None:
    """5,000 students and 100,000 rows of attendance, without an index on them."""
    students, sessions = 5000, 20
    with database.connection() as connection:
        people = [
            {"StudentCode": f"S{n:05}", "StudentName": f"Name {n}", "Form": f"{n % 50}"}
            for n in range(students)
        ]
        connection.execute(insert(tables.student), people)
        connection.execute(insert(tables.sessions), [{"Id": n} for n in range(1, sessions + 1)])
        for session in range(1, sessions + 1):
            rows = [
                {"SessionId": session, "StudentCode": f"s{n:05}", "Status": "Present"}
                for n in range(students)
            ]
            connection.execute(insert(tables.attendance_records), rows)
    began = time.monotonic()
    with database.transaction() as records:
        roll = call_roll(records.rolls.students(), records.rolls.marks(7), Selection())
    called = time.monotonic()
    with database.transaction() as records:
        marks = records.rolls.sessions(100)
        records.rolls.groups()
    listed = time.monotonic()
    assert len(roll) == students
    assert all(entry.status is AttendanceStatus.PRESENT for entry in roll)
    assert [session.marked for session in marks] == [students] * sessions
    assert called - began < PATIENCE_SECONDS
    assert listed - called < PATIENCE_SECONDS
