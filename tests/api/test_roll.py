"""Who is present, late and missing."""

import csv
import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from db import tables
from db.engine import open_database
from rollcall.core.api_keys import Role
from tests.api.calls import enroll, error_of
from tests.api.conftest import StartApp
from tests.keys import make_key
from tests.packs import picture

STUDENTS = (
    {"StudentCode": "S001", "StudentName": "Ada Lovelace", "Form": "7A", "Campus": "North"},
    {"StudentCode": "S002", "StudentName": "=cmd()", "Form": "7A", "Campus": "South"},
    {"StudentCode": "S003", "StudentName": "Grace Hopper", "Form": "7B", "Campus": "North"},
)


@pytest.fixture
def school(api: httpx.Client, tmp_path: Path) -> httpx.Client:
    """Three students, of whom S001 is the synthetic person 1 and was scanned late in session 1."""
    _insert(tmp_path, tables.student, *STUDENTS)
    enroll(api, "S001", 1)
    data = {"session_id": "1", "status": "Late"}
    answer = api.post("/api/attendance/scan", data=data, files={"image": picture(1)})
    assert [marked["student_code"] for marked in answer.json()["marked"]] == ["S001"]
    return api


def _insert(folder: Path, table: Any, *rows: dict[str, Any]) -> None:
    database = open_database(f"sqlite:///{folder}/rollcall.db", pool_size=1)
    with database.connection() as connection:
        connection.execute(insert(table), list(rows))
    database.close()


def test_there_are_sessions_forms_and_campuses_to_choose_from(school: httpx.Client) -> None:
    answer = school.get("/api/attendance").json()
    [session] = answer.pop("sessions")
    assert answer == {"success": True, "forms": ["7A", "7B"], "campuses": ["North", "South"]}
    assert (session["session_id"], session["marked"]) == (1, 1)
    assert session["last_marked"]


def test_the_roll_has_everybody_and_what_is_recorded(school: httpx.Client) -> None:
    answer = school.get("/api/attendance/1").json()
    first, *others = answer["students"]
    assert first.pop("marked_at")
    assert first == {
        "student_code": "S001",
        "student_name": "Ada Lovelace",
        "form": "7A",
        "campus": "North",
        "status": "Late",
    }
    assert [(student["student_code"], student["status"]) for student in others] == [
        ("S002", None),
        ("S003", None),
    ]
    assert (answer["success"], answer["session_id"]) == (True, 1)
    assert answer["summary"] == {"total": 3, "present": 0, "late": 1, "missing": 2}


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("?form=7a", ["S001", "S002"]),
        ("?campus=North", ["S001", "S003"]),
        ("?form=7A&campus=South", ["S002"]),
        ("?form=&campus=", ["S001", "S002", "S003"]),
        ("?form=9Z", []),
    ],
)
def test_the_roll_can_be_of_a_form_or_a_campus(school: httpx.Client, query: str, codes: list[str]) -> None:
    answer = school.get(f"/api/attendance/1{query}").json()
    assert [student["student_code"] for student in answer["students"]] == codes
    assert answer["summary"]["total"] == len(codes)


def test_the_roll_can_be_opened_in_a_spreadsheet(school: httpx.Client) -> None:
    answer = school.get("/api/attendance/1?format=csv&form=7A")
    assert answer.headers["Content-Type"].startswith("text/csv; charset=utf-8")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="attendance-1.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    header, first, second = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert header == ["student_code", "student_name", "form", "campus", "status", "marked_at"]
    assert first[:5] == ["S001", "Ada Lovelace", "7A", "North", "Late"]
    assert first[5]
    assert second == ["S002", "'=cmd()", "7A", "South", "", ""]


def test_a_session_that_nobody_named_yet_has_nobody_present(school: httpx.Client) -> None:
    assert school.get("/api/attendance/9").json()["summary"]["missing"] == 3
    assert [each["session_id"] for each in school.get("/api/attendance").json()["sessions"]] == [1]


def test_a_session_that_the_school_does_not_have_is_not_found(school: httpx.Client, tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
    with database.connection() as connection:
        connection.exec_driver_sql("ALTER TABLE Sessions ADD COLUMN Subject VARCHAR(50)")
    database.close()
    assert error_of(school.get("/api/attendance/9"), 404) == "NOT_FOUND"
    assert school.get("/api/attendance/1").status_code == 200


@pytest.mark.parametrize("wrong", ["0", "-1", "x", "99999999999", "1?format=pdf", f"1?form={'x' * 101}"])
def test_a_roll_asked_for_wrongly_is_refused(api: httpx.Client, wrong: str) -> None:
    assert error_of(api.get(f"/api/attendance/{wrong}"), 422) == "VALIDATION_ERROR"


def test_a_kiosk_may_mark_and_not_see_the_roll(start_app: StartApp) -> None:
    admin, kiosk = make_key("office"), make_key("door", role=Role.KIOSK)
    api = start_app(api_keys=f"{admin.entry},{kiosk.entry}")
    for path in ("/api/attendance", "/api/attendance/1"):
        assert error_of(api.get(path), 401) == "UNAUTHORIZED"
        assert error_of(api.get(path, headers=kiosk.headers), 403) == "FORBIDDEN"
        assert api.get(path, headers=admin.headers).status_code == 200
