"""Many people at once, on both databases."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.mariadb import MariaDBServer
from tests.packs import picture
from tests.servers import RollcallServer

pytestmark = pytest.mark.slow

PEOPLE = 20
REQUESTS = 60


@pytest.fixture(params=["sqlite", "mariadb"], scope="module")
def school(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    pack_settings: dict[str, str],
) -> Iterator[RollcallServer]:
    """A server with the synthetic people 0 to 19 enrolled as S0 to S19."""
    settings = dict(pack_settings)
    if request.param == "mariadb":
        mariadb: MariaDBServer = request.getfixturevalue("mariadb")
        settings["DATABASE_URL"] = mariadb.new_database()
    with RollcallServer(tmp_path_factory.mktemp("school"), **settings) as server:
        items = [
            {"person_type": "student", "person_code": f"S{number}", "person_name": f"Name {number}"}
            for number in range(PEOPLE)
        ]
        for number, item in enumerate(items):
            answer = server.client.post("/api/face/enroll", data=item, files={"image": picture(number)})
            assert answer.status_code == 200, answer.text
        yield server


def test_sixty_concurrent_recognitions_give_sixty_right_answers(school: RollcallServer) -> None:
    def recognize(number: int) -> str:
        with httpx.Client(base_url=school.url, timeout=120) as client:
            answer = client.post("/api/face/recognize", files={"image": picture(number % PEOPLE)})
        return str(answer.json()["match"]["person_code"])

    with ThreadPoolExecutor(REQUESTS) as callers:
        found = list(callers.map(recognize, range(REQUESTS)))
    assert found == [f"S{number % PEOPLE}" for number in range(REQUESTS)]


def test_of_many_who_enrol_one_new_code_exactly_one_succeeds(school: RollcallServer) -> None:
    fields = {"person_type": "teacher", "person_code": "T1", "person_name": "Name"}

    def enroll(_: int) -> int:
        with httpx.Client(base_url=school.url, timeout=120) as client:
            return client.post("/api/face/enroll", data=fields, files={"image": picture(30)}).status_code

    with ThreadPoolExecutor(8) as callers:
        statuses = sorted(callers.map(enroll, range(8)))
    assert statuses == [200] + [409] * 7
    listed = school.client.get("/api/face/list/teacher").json()
    assert listed["total_count"] == 1


def test_one_student_scanned_by_many_cameras_is_marked_once(school: RollcallServer) -> None:
    def scan(_: int) -> bool:
        with httpx.Client(base_url=school.url, timeout=120) as client:
            answer = client.post(
                "/api/attendance/scan", data={"session_id": "5"}, files={"image": picture(3)}
            )
        return bool(answer.json()["marked"][0]["already_marked"])

    with ThreadPoolExecutor(8) as callers:
        assert sorted(callers.map(scan, range(8))) == [False] + [True] * 7
