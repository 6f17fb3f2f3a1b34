"""Erasing where the school's own foreign keys forbid it, or delete more."""

import pytest

from db.engine import SqlDatabase, open_database
from db.erasing import SqlEraser
from db.migrate import migrate
from db.tables import metadata
from rollcall.core.backup import Section
from rollcall.core.erasure import Erasure
from rollcall.core.errors import InvalidRequest
from rollcall.core.people import PersonKey
from tests.backups import everything, fill, run
from tests.db.rows import read, student, teacher
from tests.mariadb import MariaDBServer

ADA = student("S0")  # with a face, two log rows and one of attendance


def refer(database: SqlDatabase, table: str, column: str, target: str, rule: str = "") -> None:
    """Add a column that refers to the Id of another table, to a new table or to one that is there."""
    kind = "INT" if database.kind == "mysql" else "INTEGER"
    if table not in metadata.tables:
        run(database, f"CREATE TABLE {table} (Id INT PRIMARY KEY)")
    run(database, f"ALTER TABLE {table} ADD COLUMN {column} {kind} REFERENCES {target} (Id) {rule}")


def make_attendance_refer(database: SqlDatabase, rule: str) -> None:
    """As a school may have made it; then fill the database."""
    number, options = (
        ("INT AUTO_INCREMENT", "CHARSET=utf8mb4") if database.kind == "mysql" else ("INTEGER", "")
    )
    run(
        database,
        "CREATE UNIQUE INDEX Codes ON Student (StudentCode)",
        "DROP TABLE AttendanceRecords",
        f"CREATE TABLE AttendanceRecords (Id {number} PRIMARY KEY, SessionId INT NOT NULL,"
        " StudentCode CHAR(10), Status VARCHAR(20), AttendanceDate DATETIME, CreatedDate DATETIME,"
        f" FOREIGN KEY (StudentCode) REFERENCES Student (StudentCode) {rule}) {options}",
    )
    fill(database)


def cascades(
    database: SqlDatabase,
    person: PersonKey = ADA,
    *,
    keep_person: bool = False,
    keep_attendance: bool = False,
) -> list[str]:
    erasure = Erasure(person=person, keep_person=keep_person, keep_attendance=keep_attendance)
    return list(SqlEraser(database).find(erasure).cascades)


@pytest.mark.parametrize("rule", ["", "ON DELETE RESTRICT", "ON DELETE CASCADE", "ON DELETE SET NULL"])
def test_attendance_that_refers_to_the_student_goes_with_the_student(
    database: SqlDatabase, rule: str
) -> None:
    make_attendance_refer(database, rule)
    deleted = SqlEraser(database).erase(Erasure(person=ADA)).traces.rows
    assert (deleted["Student"], deleted["AttendanceRecords"]) == (1, 1)
    assert read(database, "SELECT StudentCode FROM AttendanceRecords") == [("S1",)]


@pytest.mark.parametrize("rule", ["", "ON DELETE CASCADE", "ON DELETE SET NULL"])
def test_attendance_is_not_kept_without_the_student_whom_it_refers_to(
    database: SqlDatabase, rule: str
) -> None:
    make_attendance_refer(database, rule)
    before = everything(database)
    with pytest.raises(InvalidRequest, match="--keep-person keeps"):
        SqlEraser(database).erase(Erasure(person=ADA, keep_attendance=True))
    assert everything(database) == before
    SqlEraser(database).erase(Erasure(person=ADA, keep_attendance=True, keep_person=True))
    now = everything(database)
    assert now[Section.ATTENDANCE] == before[Section.ATTENDANCE]
    assert len(now[Section.FACES]) == len(before[Section.FACES]) - 1


def test_it_is_told_before_the_question_that_attendance_cannot_be_kept(database: SqlDatabase) -> None:
    make_attendance_refer(database, "ON DELETE CASCADE")
    with pytest.raises(InvalidRequest, match="AttendanceRecords cannot be kept"):
        cascades(database, keep_attendance=True)


def test_attendance_is_not_kept_if_it_goes_with_a_teachers_sessions(database: SqlDatabase) -> None:
    refer(database, "Courses", "TeacherId", "Teacher", "ON DELETE CASCADE")
    refer(database, "AttendanceRecords", "CourseId", "Courses", "ON DELETE CASCADE")
    fill(database)
    assert cascades(database, teacher("t2")) == ["AttendanceRecords", "Courses"]
    with pytest.raises(InvalidRequest, match="AttendanceRecords cannot be kept"):
        cascades(database, teacher("t2"), keep_attendance=True)


@pytest.mark.parametrize(("rule", "is_kept"), [("ON DELETE CASCADE", False), ("ON DELETE SET NULL", True)])
def test_a_person_who_refers_to_a_face_is_kept_if_the_row_survives_it(
    database: SqlDatabase, rule: str, is_kept: bool
) -> None:
    fill(database)
    refer(database, "Student", "FaceId", "FaceData", rule)
    run(database, "UPDATE Student SET FaceId = 1 WHERE StudentCode = 'S0'")
    keeping = Erasure(person=ADA, keep_person=True)
    if is_kept:
        SqlEraser(database).erase(keeping)
        assert read(database, "SELECT FaceId FROM Student WHERE StudentCode = 'S0'") == [(None,)]
        return
    with pytest.raises(InvalidRequest, match="Student cannot be kept"):
        SqlEraser(database).erase(keeping)
    SqlEraser(database).erase(Erasure(person=ADA))


def test_a_person_who_refers_to_a_face_is_deleted_before_it(database: SqlDatabase) -> None:
    fill(database)
    refer(database, "Student", "FaceId", "FaceData")
    run(database, "UPDATE Student SET FaceId = 1 WHERE StudentCode = 'S0'")
    assert SqlEraser(database).erase(Erasure(person=ADA)).traces.rows["Student"] == 1


def test_a_row_that_another_table_needs_is_not_deleted_and_nothing_else_either(database: SqlDatabase) -> None:
    fill(database)
    refer(database, "Grades", "StudentId", "Student")
    run(database, "INSERT INTO Grades VALUES (1, 1)")
    before = everything(database)
    with pytest.raises(InvalidRequest, match="--keep-person"):
        SqlEraser(database).erase(Erasure(person=ADA))
    assert everything(database) == before
    SqlEraser(database).erase(Erasure(person=ADA, keep_person=True))
    assert read(database, "SELECT StudentId FROM Grades") == [(1,)]


def test_tables_that_lose_rows_with_any_deleted_row_are_named_on_every_level(database: SqlDatabase) -> None:
    fill(database)
    refer(database, "Lockers", "StudentId", "Student", "ON DELETE CASCADE")
    refer(database, "LockerKeys", "LockerId", "Lockers", "ON DELETE CASCADE")
    refer(database, "KeyLoans", "KeyId", "LockerKeys", "ON DELETE SET NULL")
    refer(database, "LoanNotes", "LoanId", "KeyLoans", "ON DELETE CASCADE")  # loans stay, so these do
    refer(database, "FaceNotes", "FaceId", "FaceData", "ON DELETE CASCADE")
    refer(database, "Excuses", "RecordId", "AttendanceRecords", "ON DELETE CASCADE")
    refer(database, "Sightings", "LogId", "FaceRecognitionLogs", "ON DELETE SET NULL")
    refer(database, "Grades", "StudentId", "Student")
    refer(database, "Desks", "TeacherId", "Teacher", "ON DELETE CASCADE")
    of_person = ["KeyLoans", "LockerKeys", "Lockers"]
    assert cascades(database) == sorted(["Excuses", "FaceNotes", "Sightings", *of_person])
    assert cascades(database, keep_person=True) == ["Excuses", "FaceNotes", "Sightings"]
    assert cascades(database, keep_person=True, keep_attendance=True) == ["FaceNotes", "Sightings"]
    assert cascades(database, teacher("t2")) == ["Desks", "FaceNotes", "Sightings"]


def test_tables_without_rows_of_the_person_make_nothing_cascade(database: SqlDatabase) -> None:
    fill(database)
    refer(database, "FaceNotes", "FaceId", "FaceData", "ON DELETE CASCADE")
    run(database, "DELETE FROM FaceData WHERE PersonCode = 'S0'")
    assert cascades(database) == []


def test_a_table_that_refers_to_itself_is_followed_once(database: SqlDatabase) -> None:
    refer(database, "Student", "SiblingId", "Student", "ON DELETE CASCADE")
    fill(database)
    assert cascades(database) == ["Student"]


def test_tables_that_the_account_may_only_read_are_named_whatever_is_in_them(mariadb: MariaDBServer) -> None:
    url = mariadb.new_database()
    owner = open_database(url, pool_size=1)
    migrate(owner)
    fill(owner)
    refer(owner, "Lockers", "StudentId", "Student", "ON DELETE CASCADE")
    run(owner, "ALTER TABLE Lockers ADD COLUMN Place POINT")
    owner.close()
    reader = open_database(mariadb.new_account(url, "SELECT"), pool_size=1)
    assert cascades(reader) == ["Lockers"]
    reader.close()
