import httpx
import pytest

from rollcall.core.api_keys import Role
from tests.api.calls import enroll, error_of
from tests.api.conftest import StartApp
from tests.keys import make_key

PEOPLE = "/api/people"


@pytest.fixture
def school(api: httpx.Client) -> httpx.Client:
    enroll(api, "S001", 1)
    enroll(api, "S001", 2, mode="add")
    enroll(api, "S002", 3)
    enroll(api, "T001", 4, kind="teacher")
    return api


def test_people_are_listed_with_their_faces(school: httpx.Client) -> None:
    answer = school.get(PEOPLE).json()
    assert (answer["success"], answer["total_count"]) == (True, 3)
    first = answer["people"][0]
    assert first.pop("last_enrolled")
    assert first == {
        "person_type": "student",
        "person_code": "S001",
        "person_name": "Name of S001",
        "group": None,
        "campus": None,
        "face_count": 2,
    }
    assert [person["person_code"] for person in answer["people"]] == ["S001", "S002", "T001"]


@pytest.mark.parametrize(
    ("query", "codes", "total"),
    [
        ("?person_type=teacher", ["T001"], 1),
        ("?search=s00", ["S001", "S002"], 2),
        ("?search=%20NAME%20of%20t%20", ["T001"], 1),
        ("?search=%25", [], 0),
        ("?search=", ["S001", "S002", "T001"], 3),
        ("?limit=1&offset=1", ["S002"], 3),
        ("?enrolled=false", [], 0),
        ("?enrolled=true&person_type=student", ["S001", "S002"], 2),
    ],
)
def test_people_can_be_searched(school: httpx.Client, query: str, codes: list[str], total: int) -> None:
    answer = school.get(f"{PEOPLE}{query}").json()
    assert [person["person_code"] for person in answer["people"]] == codes
    assert answer["total_count"] == total


def test_who_lost_the_last_face_is_still_there(school: httpx.Client) -> None:
    body = {"person_type": "student", "person_code": "S001"}
    assert school.request("DELETE", "/api/face/delete", json=body).status_code == 200
    [person] = school.get(f"{PEOPLE}?enrolled=false").json()["people"]
    assert (person["person_code"], person["face_count"], person["last_enrolled"]) == ("S001", 0, None)


@pytest.mark.parametrize(
    "query", ["person_type=pupil", "limit=0", "limit=1001", "offset=-1", "enrolled=x", f"search={'x' * 201}"]
)
def test_people_asked_for_wrongly_are_refused(api: httpx.Client, query: str) -> None:
    assert error_of(api.get(f"{PEOPLE}?{query}"), 422) == "VALIDATION_ERROR"


def test_a_kiosk_may_not_list_people(start_app: StartApp) -> None:
    kiosk = make_key("door", role=Role.KIOSK)
    api = start_app(api_keys=kiosk.entry)
    assert error_of(api.get(PEOPLE), 401) == "UNAUTHORIZED"
    assert error_of(api.get(PEOPLE, headers=kiosk.headers), 403) == "FORBIDDEN"
