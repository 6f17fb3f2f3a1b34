"""The Express example: the old server's calls, and its login. Its pages: test_node_example_pages.py."""

import base64
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.express_example import (
    ADA,
    GRACE,
    KEY,
    PIN,
    Example,
    encoded,
    enroll,
    log_in,
    logged_in,
    refused,
    started,
)
from tests.node import needs_node
from tests.servers import ANSWER_LIMIT_SECONDS, free_port

pytestmark = [pytest.mark.slow, needs_node]

STUDENT, STRANGER = 52, 53  # synthetic people


@pytest.fixture
def anybody(example: Example) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=example.url, timeout=ANSWER_LIMIT_SECONDS) as client:
        yield client


@pytest.fixture
def ada(example: Example) -> Iterator[httpx.Client]:
    with logged_in(example, "T001", ADA) as client:
        yield client


@pytest.fixture
def grace(example: Example) -> Iterator[httpx.Client]:
    with logged_in(example, "t002 ", GRACE) as client:
        yield client


def test_the_old_servers_calls_work(ada: httpx.Client, grace: httpx.Client) -> None:
    face = enroll(ada, "S050", STUDENT)
    listed = ada.get("/api/face-descriptors/student?person_code=S050").json()
    assert [found["id"] for found in listed["faces"]] == [face["embedding_id"]]
    seen = grace.post("/api/face/recognize", json={"image_base64": encoded(STUDENT)}).json()
    assert seen["match"]["person_code"] == "S050"
    everybody = grace.post(
        "/api/face/recognize-all", json={"image_base64": encoded(STUDENT, STRANGER)}
    ).json()
    assert [found["match"] and found["match"]["person_code"] for found in everybody["faces"]].count(
        "S050"
    ) == 1
    scanned = grace.post(
        "/api/attendance/scan", json={"image_base64": encoded(STUDENT), "session_id": 4, "status": "Late"}
    ).json()
    assert [(found["student_code"], found["status"]) for found in scanned["marked"]] == [("S050", "Late")]
    assert ada.delete(f"/api/admin/face/{face['embedding_id']}").json()["success"] is True
    refused(ada.delete(f"/api/admin/face/{face['embedding_id']}"), 404, "NOT_FOUND")
    enroll(ada, "S050", STUDENT)
    body = {"person_type": "student", "person_code": "S050"}
    assert ada.request("DELETE", "/api/face/delete", json=body).json()["success"] is True


def test_rollcalls_errors_come_through_in_their_shape(ada: httpx.Client) -> None:
    enroll(ada, "S051", STUDENT)
    body = {"person_type": "student", "person_code": "S051", "person_name": "Pupil"}
    again = ada.post("/api/face/register", json={**body, "image_base64": encoded(STUDENT)})
    refused(again, 409, "DUPLICATE_ENROLLMENT")
    assert again.headers["X-Request-ID"]
    refused(ada.post("/api/face/recognize", json={"image_base64": encoded()}), 422, "NO_FACE_DETECTED")
    wrong = refused(ada.get("/api/face-descriptors/pupils"), 422, "VALIDATION_ERROR")
    assert wrong["details"]["fields"]
    refused(ada.post("/api/face/recognize", json={"image_base64": "no base64!"}), 400, "INVALID_IMAGE")
    refused(ada.post("/api/face/recognize", json={}), 422, "VALIDATION_ERROR")
    refused(ada.get("/api/face-descriptors/%2e%2e"), 422, "VALIDATION_ERROR")
    refused(ada.get("/api/unknown"), 404, "NOT_FOUND")
    refused(ada.post("/api/face/recognize", content=b"{"), 422, "VALIDATION_ERROR")
    ada.request("DELETE", "/api/face/delete", json={"person_type": "student", "person_code": "S051"})


def test_a_path_as_a_picture_is_never_read(ada: httpx.Client, example: Example) -> None:
    for path in ("teachers.json", str(example.folder / "teachers.json"), "file:///etc/hostname"):
        refused(ada.post("/api/face/recognize", json={"image_base64": path}), 400, "INVALID_IMAGE")


@pytest.mark.parametrize("megabytes", [11, 20])
def test_what_is_too_large_is_refused(ada: httpx.Client, megabytes: int) -> None:
    large = base64.b64encode(bytes(megabytes * 2**20)).decode()
    refused(ada.post("/api/face/recognize", json={"image_base64": large}), 413, "IMAGE_TOO_LARGE")


def test_nobody_is_served_without_a_login(anybody: httpx.Client, grace: httpx.Client) -> None:
    for client, status, code in ((anybody, 401, "UNAUTHORIZED"), (grace, 403, "FORBIDDEN")):
        refused(client.get("/api/face-descriptors/all"), status, code)
        refused(client.delete("/api/admin/face/1"), status, code)
        refused(client.post("/api/face/register", json={}), status, code)
    refused(anybody.post("/api/face/recognize", json={"image_base64": encoded(ADA)}), 401, "UNAUTHORIZED")
    refused(anybody.post("/api/attendance/scan", json={}), 401, "UNAUTHORIZED")
    anybody.headers["Cookie"] = "session=made-up"
    refused(anybody.post("/api/attendance/scan", json={}), 401, "UNAUTHORIZED")


def test_a_login_needs_the_pin_and_the_face(anybody: httpx.Client) -> None:
    body = {"teacher_code": "T002", "pin": PIN}
    gif = base64.b64encode(b"GIF89a" + bytes(50)).decode()
    # With a right PIN what is no picture must tell no more than a wrong face.
    pictures = [encoded(), gif, "no base64!"]
    failures = [
        log_in(anybody, "T001", ADA, "135790"),
        log_in(anybody, "T001", GRACE),
        log_in(anybody, "NOBODY", ADA),
        *(anybody.post("/api/teacher/login", json={**body, "image_base64": given}) for given in pictures),
    ]
    told = [refused(answer, 401, "UNAUTHORIZED") for answer in failures]
    assert all(answer == told[0] for answer in told)
    assert all("Set-Cookie" not in answer.headers for answer in failures)
    assert anybody.get("/api/teacher/me").json()["teacher"] is None
    answer = log_in(anybody, "T001", ADA)
    assert answer.json()["teacher"] == {"code": "T001", "name": "Ada Lovelace", "admin": True}
    cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "Secure", "SameSite=Strict"} <= {part.strip() for part in cookie.split(";")}
    refused(
        anybody.post("/api/teacher/login", json={"teacher_code": ["T001"], "pin": 1}), 422, "VALIDATION_ERROR"
    )


def test_a_logout_ends_the_session(grace: httpx.Client) -> None:
    assert grace.get("/api/teacher/me").json()["teacher"]["code"] == "T002"
    grace.post("/api/teacher/logout")
    assert grace.get("/api/teacher/me").json()["teacher"] is None


def test_a_pin_cannot_be_found_by_trying(example: Example) -> None:
    # Another server of the example, for the failures would count for the other tests.
    settings = {"TEACHERS_FILE": "teachers.json", "ROLLCALL_URL": example.server.url}
    with (
        started(example.folder, "node", "src/server.js", **settings, ROLLCALL_API_KEY=KEY.key) as url,
        httpx.Client(base_url=url, timeout=ANSWER_LIMIT_SECONDS) as client,
    ):
        for number in range(5):
            refused(log_in(client, "T001", ADA, f"13579{number}"), 401, "UNAUTHORIZED")
        late = log_in(client, "t001", ADA)
        refused(late, 429, "RATE_LIMITED")
        assert 0 < int(late.headers["Retry-After"]) <= 15 * 60
        assert log_in(client, "T002", GRACE).status_code == 200


def test_other_sites_and_keys(ada: httpx.Client, example: Example) -> None:
    answer = ada.get("/api/face-descriptors/all", headers={"Sec-Fetch-Site": "cross-site"})
    refused(answer, 403, "FORBIDDEN")
    pages = [path.read_text() for path in (example.folder / "public").iterdir()]
    assert all(KEY.key not in text and "http:" not in text and "https:" not in text for text in pages)
    assert KEY.key not in str(ada.get("/api/face-descriptors/all").headers)


@pytest.mark.parametrize(
    ("settings", "status", "code"),
    [
        ({"ROLLCALL_API_KEY": "wrong"}, 500, "INTERNAL_ERROR"),
        ({"ROLLCALL_URL": f"http://127.0.0.1:{free_port()}"}, 502, "NETWORK_ERROR"),
    ],
)
def test_a_server_that_cannot_ask_rollcall_says_so(
    example: Example, settings: dict[str, str], status: int, code: str
) -> None:
    ours = {"TEACHERS_FILE": "teachers.json", "ROLLCALL_URL": example.server.url, "ROLLCALL_API_KEY": KEY.key}
    with (
        started(example.folder, "node", "src/server.js", **{**ours, **settings}) as url,
        httpx.Client(base_url=url, timeout=ANSWER_LIMIT_SECONDS) as client,
    ):
        # The PIN was right each time: none of them is a failed login.
        for _ in range(6):
            refused(log_in(client, "T001", ADA), status, code)
