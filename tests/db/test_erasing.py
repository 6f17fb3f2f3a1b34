"""Everything about one person is deleted, and nothing else."""

import json
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, inspect, text

from db import tables
from db.columns import needed_columns
from db.connect import Waits
from db.engine import SqlDatabase, open_database
from db.erasing import SqlEraser
from db.migrate import migrate
from rollcall.core.erasure import ORPHANS, Erasure
from rollcall.core.errors import PersonNotFound
from rollcall.core.people import Person, PersonKey
from rollcall.core.records import AttendanceStatus, RecognitionAttempt
from rollcall.workflows.erase import Erase
from tests.backups import fill, run
from tests.db.rows import add_embedding, embedding, new_face, old_face, put, read, student, teacher

PICTURE = b"\xff\xd8 the very picture of Quentin \xff\xd9" * 500
ADA = student("QX-77")
NOTHING = {
    "Student": 0,
    "AttendanceRecords": 0,
    "FaceRecognitionLogs": 0,
    "FaceData": 0,
    "RollcallEmbeddings": 0,
    "RollcallKnownFaces": 0,
    "RollcallOldDescriptors": 0,
    "RollcallImported": 0,
    "RollcallRecognitions": 0,
    "RollcallComparisons": 0,
    "RollcallJobRows": 0,
    ORPHANS: 0,
}


def enrol(database: SqlDatabase, person: PersonKey = ADA) -> int:
    """The person with a face, a picture in both tables, logs and attendance; and others beside."""
    fill(database)
    with database.transaction() as records:
        records.people.add(Person(key=person, name="Quentin Nobody"))
        face_id = records.faces.add(
            new_face(person, embedding=embedding(50), image=PICTURE, original_name="Quentin.jpg")
        )
        add_embedding(records, face_id, "antelopev2", embedding(51))
        attempt = RecognitionAttempt(
            person=person, confidence=1, processing_time_ms=1, source_image_name="Quentin.jpg"
        )
        records.log.add([attempt])
        records.attendance.ensure_session(1)
        records.attendance.add(1, "qx-77", AttendanceStatus.LATE)
    table = tables.student if person.type == "student" else tables.teacher
    seen = f"UPDATE {table.name} SET {table.name}Image = 'Quentin, in a picture'"
    run(database, f"{seen} WHERE {table.name}Code = '{person.code}'")
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
        "RollcallOldDescriptors": 0,
        "RollcallImported": 0,
        "RollcallRecognitions": 0,
        "RollcallComparisons": 0,
        "RollcallJobRows": 0,
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
    eraser = SqlEraser(database)
    with pytest.raises(PersonNotFound):
        eraser.find(Erasure(person=ADA))
    with pytest.raises(PersonNotFound):
        eraser.erase(Erasure(person=ADA))
    assert read(database, "SELECT COUNT(*) FROM RollcallEmbeddings") == [(1,)]


def test_tables_without_the_columns_that_are_not_needed_can_be_erased_from(database: SqlDatabase) -> None:
    enrol(database)
    enrol(database, teacher("T-77"))
    for table in (tables.student, tables.teacher):
        unused = {column.name for column in table.columns} - set(needed_columns(table))
        run(database, *(f"ALTER TABLE {table.name} DROP COLUMN {name}" for name in unused))
    assert erase(database, keep_person=True)["picture_cleared"] is False
    assert erase(database, teacher("T-77"), keep_person=True)["kept_rows"] == {"Teacher": 1}
    assert erase(database)["deleted_rows"] == {**NOTHING, "Student": 1}


@pytest.mark.parametrize("type", [None, "", "unknown", "Student "])
def test_whatever_is_not_said_to_be_of_the_other_type_goes(database: SqlDatabase, type: str | None) -> None:
    row = {"PersonCode": "S001", "SourceImageName": "S001.jpg"}
    put(database, tables.face_recognition_logs, {**row, "PersonType": type})
    [kept] = put(database, tables.face_recognition_logs, {**row, "PersonType": "TEACHER "})
    old_face(database, "S001", PersonType=type)
    receipt = erase(database, student("S001"))
    assert receipt["face_ids"] == [1]
    assert read(database, "SELECT Id FROM FaceRecognitionLogs") == [(kept,)]


def test_all_rows_of_a_long_log_are_looked_through(database: SqlDatabase) -> None:
    ids = {1, 9_999, 10_000, 10_001, 20_000, 25_000}
    rows = [{"Id": n, "PersonCode": "LONG" if n in ids else "other"} for n in range(1, 25_001)]
    with database.connection() as connection:
        connection.execute(insert(tables.face_recognition_logs), rows)
    erase(database, student("long"))
    counts = "SELECT COUNT(*), COUNT(NULLIF(PersonCode, 'other')) FROM FaceRecognitionLogs"
    assert read(database, counts) == [(25_000 - len(ids), 0)]


@pytest.mark.timeout(120)
def test_far_apart_ids_are_no_reason_to_look_for_ever(database: SqlDatabase) -> None:
    if database.kind == "mysql":
        run(database, "ALTER TABLE FaceRecognitionLogs MODIFY Id BIGINT AUTO_INCREMENT")
    far = [{"Id": number, "PersonCode": "FAR"} for number in (-5, 1, 2**63 - 2)]
    put(database, tables.face_recognition_logs, *far)
    assert erase(database, student("FAR"))["deleted_rows"] == {**NOTHING, "FaceRecognitionLogs": 3}


def test_a_code_beyond_ascii_is_found_in_any_case(database: SqlDatabase) -> None:
    with database.transaction() as records:
        records.people.add(Person(key=student("ÉTÉ-1"), name="Zoë"))
    assert erase(database, student("été-1"))["deleted_rows"] == {**NOTHING, "Student": 1}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Of a SQLite database that holds the person; alone in its folder."""
    (tmp_path / "alone").mkdir()
    return tmp_path / "alone" / "rollcall.db"


def left_in(file: Path) -> list[bytes]:
    """Which words about the person are in the bytes of the database's files."""
    words = (b"the very picture", b"Quentin", b"QX-77", embedding(50).tobytes()[:64])
    stored = b"".join(path.read_bytes() for path in file.parent.iterdir())
    return [word for word in words if word in stored]


def test_sqlites_file_holds_no_byte_of_the_picture_any_more(file: Path) -> None:
    database = open_database(f"sqlite:///{file}", pool_size=2)
    migrate(database)
    enrol(database)
    assert len(left_in(file)) == 4
    # A server with an idle connection, and another program.
    with closing(sqlite3.connect(file)) as other:
        other.execute("SELECT COUNT(*) FROM FaceData").fetchall()
        assert erase(database)["wal_emptied"] is True
        assert left_in(file) == []
    database.close()
    assert left_in(file) == []


def test_a_program_that_goes_on_reading_makes_the_receipt_say_that_bytes_are_left(file: Path) -> None:
    database = open_database(f"sqlite:///{file}", pool_size=2)
    migrate(database)
    enrol(database)
    with closing(sqlite3.connect(file)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM FaceData").fetchall()
        receipt = Erase(eraser=SqlEraser(database, patience=0.2)).run(Erasure(person=ADA))
        assert json.loads(receipt.to_json())["wal_emptied"] is False
        assert left_in(file) != []
    # What the command advises: the last to end clears the files.
    database.close()
    assert left_in(file) == []


def test_others_can_write_while_erasing_waits_for_a_reader(file: Path) -> None:
    database = open_database(f"sqlite:///{file}", pool_size=2, waits=Waits(lock=20, statement=60))
    migrate(database)
    enrol(database)
    with closing(sqlite3.connect(file)) as reader, closing(sqlite3.connect(file, timeout=5)) as writer:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM FaceData").fetchall()
        with ThreadPoolExecutor(1) as threads:
            erasing = threads.submit(SqlEraser(database, patience=2).erase, Erasure(person=ADA))
            while not erasing.done():
                with writer:
                    writer.execute("INSERT INTO Sessions DEFAULT VALUES")
                time.sleep(0.02)
    assert erasing.result().wal_emptied is False
    database.close()


def test_what_is_broken_off_before_the_commit_erases_nothing(database: SqlDatabase) -> None:
    enrol(database, ADA)
    before = read(database, "SELECT Id, PersonCode FROM FaceData ORDER BY Id")

    def break_off() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SqlEraser(database, before_commit=break_off).erase(Erasure(person=ADA))
    assert read(database, "SELECT Id, PersonCode FROM FaceData ORDER BY Id") == before
