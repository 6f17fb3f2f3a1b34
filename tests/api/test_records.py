"""What the database holds after requests, read by SQL."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.calls import base64_of, enroll, recognize
from tests.packs import DIMENSIONS, empty_picture, picture


@pytest.fixture
def rows(tmp_path: Path) -> Any:
    """Run SQL on the app's database."""

    def run(sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(tmp_path / "rollcall.db", timeout=30)) as connection:
            found = connection.execute(sql).fetchall()
            connection.commit()
            return found

    return run


def log(rows: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = rows(
        "SELECT PersonType, PersonCode, Success, SourceImageName FROM FaceRecognitionLogs ORDER BY Id"
    )
    return found


def test_an_enrolment_is_a_person_a_face_and_an_embedding(api: httpx.Client, rows: Any) -> None:
    enroll(api, "S001", 1, original_name="ada.jpg")
    assert rows("SELECT StudentCode, StudentName FROM Student") == [("S001", "Name of S001")]
    [(kind, code, image, descriptor, name, content_type)] = rows(
        "SELECT PersonType, PersonCode, ImageData, FaceDescriptor, OriginalName, ContentType FROM FaceData"
    )
    assert (kind, code, name, content_type) == ("student", "S001", "ada.jpg", "image/jpeg")
    assert image == picture(1)
    assert len(descriptor.split(",")) == DIMENSIONS
    assert rows("SELECT Model FROM RollcallEmbeddings") == [("synthetic",)]


def test_every_recognition_is_one_row_of_the_log(api: httpx.Client, rows: Any) -> None:
    enroll(api, "S001", 1)
    recognize(api, 1, source_image_name="gate.jpg")
    recognize(api, 9)
    api.post("/api/face/recognize", files={"image": empty_picture()})
    assert log(rows) == [
        ("student", "S001", 1, "gate.jpg"),
        (None, None, 0, None),
        (None, None, 0, None),
    ]


def test_a_group_recognition_is_one_row_a_face(api: httpx.Client, rows: Any) -> None:
    enroll(api, "S001", 1)
    api.post("/api/face/recognize-all", files={"image": picture(1, 8, 9)})
    api.post("/api/face/recognize-all", files={"image": empty_picture()})
    assert sorted(success for _, _, success, _ in log(rows)) == [0, 0, 0, 1]


def test_what_is_no_recognition_is_not_logged(api: httpx.Client, rows: Any) -> None:
    enroll(api, "S001", 1)
    api.post("/api/face/recognize", json={"image_base64": base64_of(b"no picture")})
    api.post("/api/face/detect", files={"image": picture(1)})
    api.post("/api/face/verify", files={"image1": picture(1), "image2": picture(1)})
    assert log(rows) == []


def test_an_absent_student_becomes_late_and_another_record_stays(api: httpx.Client, rows: Any) -> None:
    enroll(api, "S001", 1)
    enroll(api, "S002", 2)
    rows("INSERT INTO Sessions (Id) VALUES (7)")
    rows(
        "INSERT INTO AttendanceRecords (SessionId, StudentCode, Status) "
        "VALUES (7, 's001', 'Absent'), (7, 'S002', 'Present')"
    )
    answer = api.post(
        "/api/attendance/scan",
        data={"session_id": "7", "status": "Late"},
        files={"image": picture(1, 2)},
    ).json()
    assert {m["student_code"]: (m["status"], m["already_marked"]) for m in answer["marked"]} == {
        "S001": ("Late", False),
        "S002": ("Present", True),
    }
    assert rows("SELECT StudentCode, Status FROM AttendanceRecords ORDER BY Id") == [
        ("s001", "Late"),
        ("S002", "Present"),
    ]


def test_a_session_is_not_added_to_a_users_own_table(api: httpx.Client, rows: Any) -> None:
    enroll(api, "S001", 1)
    rows("ALTER TABLE Sessions ADD COLUMN Name TEXT")
    answer = api.post("/api/attendance/scan", data={"session_id": "9"}, files={"image": picture(1)})
    assert (answer.status_code, answer.json()["error_code"]) == (422, "VALIDATION_ERROR")
    assert rows("SELECT COUNT(*) FROM AttendanceRecords") == [(0,)]
    assert log(rows) == []


def test_nothing_is_left_of_a_deleted_person_but_their_name(api: httpx.Client, rows: Any) -> None:
    enroll(api, "S001", 1)
    api.request("DELETE", "/api/face/delete", json={"person_type": "student", "person_code": "S001"})
    assert rows("SELECT COUNT(*) FROM FaceData") == [(0,)]
    assert rows("SELECT COUNT(*) FROM RollcallEmbeddings") == [(0,)]
    assert rows("SELECT COUNT(*) FROM Student") == [(1,)]
