"""Everything about one person is deleted, and nothing else."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from db import tables
from db.engine import SqlDatabase, open_database
from db.erasing import SqlEraser
from db.migrate import migrate
from rollcall.core.erasure import ORPHANS, Erasure
from rollcall.core.errors import InvalidRequest, PersonNotFound
from rollcall.core.people import Person, PersonKey
from rollcall.core.records import AttendanceStatus, RecognitionAttempt
from rollcall.workflows.erase import Erase
from tests.backups import fill, run
from tests.db.rows import embedding, new_face, old_face, put, read, student, teacher

PICTURE = b"\xff\xd8 the very picture of Quentin \xff\xd9" * 500
ADA = student("QX-77")


def enrol(database: SqlDatabase, person: PersonKey = ADA) -> int:
    """The person with a face, a picture in both tables, logs and attendance; and others beside."""
    fill(database)
    with database.transaction() as records:
        records.people.add(Person(key=person, name="Quentin Nobody"))
        face_id = records.faces.add(
            new_face(person, embedding=embedding(50), image=PICTURE, original_name="Quentin.jpg")
        )
        records.faces.add_embedding(face_id, "antelopev2", embedding(51))
        attempt = RecognitionAttempt(
            person=person, confidence=1, processing_time_ms=1, source_image_name="Quentin.jpg"
        )
        records.log.add([attempt])
        records.attendance.ensure_session(1)
        records.attendance.add(1, "qx-77", AttendanceStatus.LATE)
    table = tables.student if person.type == "student" else tables.teacher
    seen = f"UPDATE {table.name} SET {table.name}Image = 'Quentin, in a picture'"
    run(database, f"{seen} WHERE {table.name}Code = '{person.code}'")
    run(database, f"DELETE FROM RollcallKnownFaces WHERE FaceId = {face_id}")
    put(database, tables.known_faces, {"FaceId": face_id, "RowCheck": 1})
    return face_id


def erase(database: SqlDatabase, person: PersonKey = ADA, *, keep_person: bool = False) -> dict[str, object]:
    erasure = Erasure(person=person, keep_person=keep_person)
    receipt: dict[str, object] = json.loads(Erase(eraser=SqlEraser(database)).run(erasure).to_json())
    return receipt


def cells(database: SqlDatabase) -> Iterator[bytes]:
    """Every value of every table."""
    with database.connection() as connection:
        for name in inspect(connection).get_table_names():
            for row in connection.execute(text(f"SELECT * FROM {name}")):
                yield from (cell if isinstance(cell, bytes) else str(cell).encode() for cell in row)


def holds(database: SqlDatabase, *words: bytes) -> bool:
    return any(word in cell for cell in cells(database) for word in words)


def test_nothing_about_the_person_is_left_in_any_table(database: SqlDatabase) -> None:
    face_id = enrol(database)
    vector = embedding(50).tobytes()
    words = (b"QX-77", b"qx-77", b"Quentin", vector)
    assert all(holds(database, word) for word in words)
    others = [read(database, f"SELECT COUNT(*) FROM {name}")[0][0] for name in ("FaceData", "Student")]
    receipt = erase(database, student("qx-77 "))
    assert not holds(database, *words)
    assert receipt["deleted_rows"] == {
        "Student": 1,
        "AttendanceRecords": 1,
        "FaceRecognitionLogs": 1,
        "FaceData": 1,
        "RollcallEmbeddings": 2,
        "RollcallKnownFaces": 1,
        ORPHANS: 0,
    }
    assert receipt["face_ids"] == [face_id]
    assert "Quentin" not in json.dumps(receipt)
    now = [read(database, f"SELECT COUNT(*) FROM {name}")[0][0] for name in ("FaceData", "Student")]
    assert now == [count - 1 for count in others]


def test_another_person_of_the_same_code_stays(database: SqlDatabase) -> None:
    enrol(database, teacher("S0"))
    students = read(database, "SELECT * FROM Student ORDER BY Id")
    attendance = read(database, "SELECT * FROM AttendanceRecords ORDER BY Id")
    erase(database, teacher("s0"))
    assert read(database, "SELECT * FROM Student ORDER BY Id") == students
    assert read(database, "SELECT * FROM AttendanceRecords ORDER BY Id") == attendance
    assert read(database, "SELECT COUNT(*) FROM FaceData WHERE PersonCode = 'S0'") == [(1,)]


def test_rows_of_the_old_server_go_too(database: SqlDatabase) -> None:
    old_face(database, code="OLD1")
    old_face(database, code="old1  ", PersonType=None, descriptor=None)
    kept = old_face(database, code="OLD1", PersonType="teacher")
    put(database, tables.face_recognition_logs, {"PersonCode": "OLD1", "PersonType": "Student"})
    receipt = erase(database, student("old1"))
    assert receipt["face_ids"] == [1, 2]
    assert read(database, "SELECT Id FROM FaceData") == [(kept,)]
    assert read(database, "SELECT COUNT(*) FROM FaceRecognitionLogs") == [(0,)]


def test_embeddings_of_faces_that_others_deleted_go_with_anybody(database: SqlDatabase) -> None:
    face_id = enrol(database)
    run(database, f"DELETE FROM FaceData WHERE Id = {face_id}")
    run(database, "DELETE FROM RollcallChanges")
    deleted = erase(database)["deleted_rows"]
    assert isinstance(deleted, dict)
    assert deleted[ORPHANS] == 1
    assert not holds(database, embedding(50).tobytes(), embedding(51).tobytes())
    assert read(database, "SELECT FaceId FROM RollcallChanges") == [(face_id,)]


def test_the_persons_row_can_be_kept_without_its_picture(database: SqlDatabase) -> None:
    enrol(database)
    receipt = erase(database, keep_person=True)
    assert receipt["kept_rows"] == {"Student": 1}
    found = read(database, "SELECT StudentName, StudentImage FROM Student WHERE StudentCode = 'QX-77'")
    assert found == [("Quentin Nobody", None)]
    assert read(database, "SELECT COUNT(*) FROM FaceData WHERE PersonCode = 'QX-77'") == [(0,)]


def test_attendance_can_be_kept(database: SqlDatabase) -> None:
    enrol(database)
    Erase(eraser=SqlEraser(database)).run(Erasure(person=ADA, keep_attendance=True))
    assert read(database, "SELECT Status FROM AttendanceRecords WHERE SessionId = 1") == [("Late",)]


def test_a_code_that_is_nobodys_is_told(database: SqlDatabase) -> None:
    put(database, tables.embeddings, {"FaceId": 5000, "Model": "buffalo_l", "Vector": b"\0\0\x80?"})
    with pytest.raises(PersonNotFound):
        erase(database)


def test_a_row_that_another_table_needs_is_not_deleted_and_nothing_else_either(database: SqlDatabase) -> None:
    enrol(database)
    ((row_id,),) = read(database, "SELECT Id FROM Student WHERE StudentCode = 'QX-77'")
    kind = "INT" if database.kind == "mysql" else "INTEGER"
    run(
        database,
        f"CREATE TABLE Grades (Id INT PRIMARY KEY, StudentId {kind},"
        " FOREIGN KEY (StudentId) REFERENCES Student (Id))",
        f"INSERT INTO Grades VALUES (1, {row_id})",
    )
    before = sorted(cells(database))
    with pytest.raises(InvalidRequest, match="--keep-person"):
        erase(database)
    assert sorted(cells(database)) == before
    erase(database, keep_person=True)
    assert read(database, "SELECT StudentId FROM Grades") == [(row_id,)]


def test_tables_that_lose_rows_with_the_person_are_named(database: SqlDatabase) -> None:
    enrol(database)
    run(
        database,
        "CREATE TABLE Lockers (Id INT PRIMARY KEY, StudentId INT,"
        " FOREIGN KEY (StudentId) REFERENCES Student (Id) ON DELETE CASCADE)",
    )
    eraser = SqlEraser(database)
    assert eraser.find(Erasure(person=ADA)).cascades == ("Lockers",)
    assert eraser.find(Erasure(person=ADA, keep_person=True)).cascades == ()


def test_sqlites_file_holds_no_byte_of_the_picture_any_more(tmp_path: Path) -> None:
    file = tmp_path / "rollcall.db"
    database = open_database(f"sqlite:///{file}", pool_size=2)
    migrate(database)
    enrol(database)
    words = (b"the very picture", b"Quentin", b"QX-77", embedding(50).tobytes()[:64])

    def left() -> list[bytes]:
        stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        return [word for word in words if word in stored]

    assert left() == list(words)
    # A server with an idle connection, and another program.
    with closing(sqlite3.connect(file)) as other:
        other.execute("SELECT COUNT(*) FROM FaceData").fetchall()
        erase(database)
        assert left() == []
    database.close()
    assert left() == []
