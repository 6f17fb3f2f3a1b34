import httpx
import pytest

from tests.api.calls import enroll, error_of
from tests.packs import empty_picture, picture

SCAN = "/api/attendance/scan"
PRESENT = {"status": "Present", "already_marked": False}


@pytest.fixture
def school(api: httpx.Client) -> httpx.Client:
    """Students S001 and S002 are the synthetic people 1 and 2, teacher T001 is 3."""
    enroll(api, "S001", 1)
    enroll(api, "S002", 2)
    enroll(api, "T001", 3, kind="teacher")
    return api


def test_every_student_in_the_picture_is_marked(school: httpx.Client) -> None:
    answer = school.post(SCAN, data={"session_id": "1"}, files={"image": picture(1, 2, 9)}).json()
    assert answer["success"] is True
    assert answer["unknown_faces"] == 1
    assert sorted(answer["marked"], key=lambda student: student["student_code"]) == [
        {
            "student_code": code,
            "student_name": f"Name of {code}",
            "status": "Present",
            "already_marked": False,
        }
        for code in ("S001", "S002")
    ]


def test_a_student_is_marked_once_per_session(school: httpx.Client) -> None:
    def scan(session: int, status: str) -> dict[str, object]:
        fields = {"session_id": str(session), "status": status}
        [marked] = school.post(SCAN, data=fields, files={"image": picture(1)}).json()["marked"]
        return {"status": marked["status"], "already_marked": marked["already_marked"]}

    assert scan(1, "Present") == {"status": "Present", "already_marked": False}
    assert scan(1, "Late") == {"status": "Present", "already_marked": True}
    assert scan(2, "Late") == {"status": "Late", "already_marked": False}


def test_a_teacher_is_nobody_to_mark(school: httpx.Client) -> None:
    answer = school.post(SCAN, data={"session_id": "1"}, files={"image": picture(3)}).json()
    assert (answer["marked"], answer["unknown_faces"]) == ([], 1)


def test_an_empty_room_marks_nobody(school: httpx.Client) -> None:
    answer = school.post(SCAN, data={"session_id": "1"}, files={"image": empty_picture()})
    assert answer.json() == {
        "success": True,
        "recognition_id": answer.json()["recognition_id"],
        "marked": [],
        "unknown_faces": 0,
        "model": "synthetic",
    }


@pytest.mark.parametrize("fields", [{}, {"session_id": "0"}, {"session_id": "1", "status": "Absent"}])
def test_a_scan_asked_for_wrongly_is_refused(school: httpx.Client, fields: dict[str, str]) -> None:
    answer = school.post(SCAN, data=fields, files={"image": picture(1)})
    assert error_of(answer, 422) == "VALIDATION_ERROR"
