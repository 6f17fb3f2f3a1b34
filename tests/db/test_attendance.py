"""AttendanceRecords and Sessions."""

from datetime import datetime

import pytest
from sqlalchemy import select

from db import tables
from db.engine import SqlDatabase
from rollcall.core.errors import DatabaseError
from rollcall.core.records import AttendanceStatus
from tests.db.rows import put, read


def test_an_absent_session_is_added_to_our_own_table(database: SqlDatabase) -> None:
    with database.transaction() as records:
        assert records.attendance.ensure_session(42)
        assert records.attendance.ensure_session(42)
    assert read(database, "SELECT Id FROM Sessions") == [(42,)]


def test_a_sessions_table_put_in_the_place_of_ours_is_not_written_to(database: SqlDatabase) -> None:
    with database.connection() as connection:
        connection.exec_driver_sql("ALTER TABLE Sessions ADD COLUMN Subject VARCHAR(50)")
        connection.exec_driver_sql("INSERT INTO Sessions (Id, Subject) VALUES (1, 'Maths')")
    with database.transaction() as records:
        assert records.attendance.ensure_session(1)
        assert not records.attendance.ensure_session(2)
    assert read(database, "SELECT Id FROM Sessions") == [(1,)]


def test_a_student_is_marked_and_found_whatever_the_case(database: SqlDatabase) -> None:
    with database.transaction() as records:
        records.attendance.ensure_session(1)
        records.attendance.ensure_session(2)
        assert records.attendance.status_of(1, "s1") is None
        records.attendance.add(1, "S1", AttendanceStatus.PRESENT)
        assert records.attendance.status_of(1, "s1 ") is AttendanceStatus.PRESENT
        assert records.attendance.status_of(2, "s1") is None
    with database.connection() as connection:
        row = connection.execute(select(tables.attendance_records)).one()
    assert (row.SessionId, row.StudentCode, row.Status) == (1, "S1", "Present")
    assert isinstance(row.AttendanceDate, datetime)


def test_an_absent_student_becomes_late(database: SqlDatabase) -> None:
    with database.transaction() as records:
        records.attendance.ensure_session(1)
    put(database, tables.attendance_records, {"SessionId": 1, "StudentCode": "S1", "Status": "Absent"})
    with database.transaction() as records:
        assert records.attendance.status_of(1, "S1") is AttendanceStatus.ABSENT
        records.attendance.change(1, "s1", AttendanceStatus.LATE)
        assert records.attendance.status_of(1, "S1") is AttendanceStatus.LATE
    assert read(database, "SELECT COUNT(*) FROM AttendanceRecords WHERE AttendanceDate IS NULL") == [(0,)]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["Absent", "Late"], AttendanceStatus.LATE),
        (["absent"], AttendanceStatus.ABSENT),
        (["Excused"], AttendanceStatus.PRESENT),
        ([None], AttendanceStatus.PRESENT),
    ],
)
def test_a_student_is_absent_only_if_no_row_says_otherwise(
    database: SqlDatabase, statuses: list[str | None], expected: AttendanceStatus
) -> None:
    with database.transaction() as records:
        records.attendance.ensure_session(1)
    rows = [{"SessionId": 1, "StudentCode": "S1", "Status": status} for status in statuses]
    put(database, tables.attendance_records, *rows)
    with database.transaction() as records:
        assert records.attendance.status_of(1, "S1") is expected


def test_attendance_of_a_session_that_does_not_exist_is_refused(database: SqlDatabase) -> None:
    with pytest.raises(DatabaseError), database.transaction() as records:
        records.attendance.add(5, "S1", AttendanceStatus.PRESENT)
