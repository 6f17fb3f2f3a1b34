from datetime import datetime

import httpx
import pytest

from tests.api.calls import enroll, error_of, recognize


@pytest.mark.parametrize("path", ["/api/face/list", "/api/face-descriptors"])
def test_faces_are_listed_by_type(api: httpx.Client, path: str) -> None:
    enroll(api, "S001", 1)
    enroll(api, "T001", 2, kind="teacher")
    everyone = api.get(f"{path}/all").json()
    assert everyone["success"] is True
    assert everyone["total_count"] == 2
    [teacher] = api.get(f"{path}/teacher").json()["faces"]
    assert teacher["person_type"] == "teacher"
    assert teacher["person_code"] == "T001"
    assert teacher["person_name"] == "Name of T001"
    assert teacher["has_image"] is True
    datetime.fromisoformat(teacher["enrollment_date"])


def test_a_list_comes_in_pages(api: httpx.Client) -> None:
    for number in range(1, 6):
        enroll(api, f"S00{number}", number)
    page = api.get("/api/face/list/student", params={"limit": 2, "offset": 3}).json()
    assert [face["person_code"] for face in page["faces"]] == ["S004", "S005"]
    assert page["total_count"] == 5


def test_a_list_can_be_of_one_person(api: httpx.Client) -> None:
    enroll(api, "S001", 1)
    enroll(api, "S002", 2)
    page = api.get("/api/face/list/all", params={"person_code": "s002"}).json()
    assert [face["person_code"] for face in page["faces"]] == ["S002"]
    assert page["total_count"] == 1


@pytest.mark.parametrize(
    "path", ["/api/face/list/pupil", "/api/face/list/all?limit=0", "/api/face/list/all?offset=-1"]
)
def test_a_list_asked_for_wrongly_is_refused(api: httpx.Client, path: str) -> None:
    assert error_of(api.get(path), 422) == "VALIDATION_ERROR"


def test_deleting_a_person_deletes_all_their_faces(api: httpx.Client) -> None:
    enroll(api, "S001", 1)
    enroll(api, "S001", 2, mode="add")
    body = {"person_type": "student", "person_code": "s001"}
    answer = api.request("DELETE", "/api/face/delete", json=body)
    assert answer.json() == {"success": True, "message": "2 faces were deleted."}
    assert recognize(api, 1)["match"] is None
    assert api.get("/api/face/list/all").json()["total_count"] == 0


def test_a_person_without_faces_cannot_be_deleted(api: httpx.Client) -> None:
    body = {"person_type": "student", "person_code": "S001"}
    assert error_of(api.request("DELETE", "/api/face/delete", json=body), 404) == "PERSON_NOT_FOUND"


def test_one_face_can_be_deleted_by_its_id(api: httpx.Client) -> None:
    first = enroll(api, "S001", 1)["embedding_id"]
    enroll(api, "S001", 2, mode="add")
    assert api.delete(f"/api/admin/face/{first}").json()["success"] is True
    assert recognize(api, 1)["match"] is None
    assert recognize(api, 2)["match"]["person_code"] == "S001"
    assert error_of(api.delete(f"/api/admin/face/{first}"), 404) == "NOT_FOUND"


@pytest.mark.parametrize("wrong", ["0", "-1", "x", "99999999999"])
def test_an_id_that_cannot_be_is_refused(api: httpx.Client, wrong: str) -> None:
    assert error_of(api.delete(f"/api/admin/face/{wrong}"), 422) == "VALIDATION_ERROR"
