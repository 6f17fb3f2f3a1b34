"""The Express example: the old server's calls, its login, and its pages in a real browser."""

import base64
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.chromium import launched, needs_chromium
from tests.browser.fake_camera import camera_options
from tests.keys import make_key
from tests.node import code_blocks, copy_package, done, needs_node
from tests.packs import empty_picture, picture
from tests.servers import ANSWER_LIMIT_SECONDS, RollcallServer, clean_environment, free_port, wait_for

pytestmark = [pytest.mark.slow, needs_node]

KEY: Final = make_key()
ADA, GRACE, STUDENT, STRANGER = 50, 51, 52, 53  # synthetic people; Ada is an administrator, Grace a teacher
PIN: Final = "246810"  # as in the example's README
EXIT_LIMIT_SECONDS: Final = 30
PATIENCE_MS: Final = 30_000  # a busy machine may be slow
HAVE_ENOUGH_DATA: Final = 4  # of a video: it plays

expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    folder: Path
    url: str
    server: RollcallServer


def encoded(*people: int) -> str:
    shown = picture(*people) if people else empty_picture()
    return f"data:image/jpeg;base64,{base64.b64encode(shown).decode()}"


@contextmanager
def started(folder: Path, *command: str, **settings: str) -> Iterator[str]:
    """The example's server; it must end by itself when it is told to."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (folder / "example.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=clean_environment({**settings, "PORT": str(port)}),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def answers() -> bool:
        assert process.poll() is None, (folder / "example.log").read_text()
        try:
            return httpx.get(f"{url}/api/teacher/me").status_code == 200
        except httpx.TransportError:
            return False

    family = [psutil.Process(process.pid)]
    try:
        wait_for(answers, "an answer of the example")
        family += family[0].children(recursive=True)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        left = psutil.wait_procs(family, timeout=EXIT_LIMIT_SECONDS)[1]
        for one in left:
            one.kill()
        process.wait()
    assert left == []


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, pack_settings: dict[str, str]
) -> Iterator[RollcallServer]:
    folder = tmp_path_factory.mktemp("example-server")
    with RollcallServer(folder, **pack_settings, API_KEYS=KEY.entry) as server:
        people = {"T001": (ADA, "Ada Lovelace"), "T002": (GRACE, "Grace Hopper")}
        for code, (person, name) in people.items():
            body = {"person_type": "teacher", "person_code": code, "person_name": name}
            sent = {**body, "image_base64": encoded(person)}
            server.client.post("/api/face/enroll", json=sent, headers=KEY.headers).raise_for_status()
        yield server


@pytest.fixture(scope="module")
def example(server: RollcallServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """Set up and started by the commands of its README, with one teacher more."""
    folder = copy_package(tmp_path_factory.mktemp("example")) / "examples" / "express"
    [block] = code_blocks((folder / "README.md").read_text(encoding="utf-8"), "sh")
    *before, start = block.replace("http://localhost:8000", server.url).splitlines()
    assert start == "npm start"
    done("bash", "-ec", "\n".join(before), folder=folder)
    teachers = json.loads((folder / "teachers.json").read_text())
    teachers["T002"] = {**teachers["T001"], "name": "Grace Hopper", "admin": False}
    (folder / "teachers.json").write_text(json.dumps(teachers))
    settings = {"TEACHERS_FILE": "teachers.json", "ROLLCALL_URL": server.url, "ROLLCALL_API_KEY": KEY.key}
    with started(folder, *start.split(), **settings) as url:
        yield Example(folder=folder, url=url, server=server)


@pytest.fixture
def anybody(example: Example) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=example.url, timeout=ANSWER_LIMIT_SECONDS) as client:
        yield client


def log_in(client: httpx.Client, code: str, person: int, pin: str = PIN) -> httpx.Response:
    body = {"teacher_code": code, "pin": pin, "image_base64": encoded(person)}
    return client.post("/api/teacher/login", json=body)


@contextmanager
def logged_in(example: Example, code: str, person: int) -> Iterator[httpx.Client]:
    """A caller with a teacher's cookie, which httpx would keep back, for it is for HTTPS."""
    with httpx.Client(base_url=example.url, timeout=ANSWER_LIMIT_SECONDS) as client:
        answer = log_in(client, code, person)
        assert answer.status_code == 200, answer.text
        client.headers["Cookie"] = answer.headers["Set-Cookie"].split(";")[0]
        yield client


@pytest.fixture
def ada(example: Example) -> Iterator[httpx.Client]:
    with logged_in(example, "T001", ADA) as client:
        yield client


@pytest.fixture
def grace(example: Example) -> Iterator[httpx.Client]:
    with logged_in(example, "t002 ", GRACE) as client:
        yield client


def enroll(client: httpx.Client, code: str, person: int, **more: str) -> dict[str, Any]:
    body = {"person_type": "student", "person_code": code, "person_name": f"Pupil {code}", "mode": "replace"}
    answer = client.post("/api/face/register", json={**body, "image_base64": encoded(person), **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refused(answer: httpx.Response, status: int, code: str) -> Mapping[str, Any]:
    found: dict[str, Any] = answer.json()
    assert (answer.status_code, found["success"], found["error_code"]) == (status, False, code), answer.text
    assert found["message"]
    assert found["details"]["suggestion"]
    return found


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
    failures = [
        log_in(anybody, "T001", ADA, "135790"),
        log_in(anybody, "T001", GRACE),
        log_in(anybody, "NOBODY", ADA),
        anybody.post(
            "/api/teacher/login", json={"teacher_code": "T001", "pin": PIN, "image_base64": encoded()}
        ),
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
        refused(log_in(client, "T001", ADA), status, code)


@contextmanager
def page_before(example: Example, tmp_path: Path, *people: int) -> Iterator[Page]:
    """A page of Chromium, whose camera sees these people. Nothing may go wrong in it."""
    problems: list[str] = []
    with launched(*camera_options(tmp_path, [picture(*people)])) as browser:
        page = browser.new_page(base_url=example.url.replace("127.0.0.1", "localhost"))
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        yield page
        assert problems == []


def log_in_by_script(page: Page) -> None:
    """Ada's login without the camera, which shows somebody else."""
    page.goto("/")
    status = page.evaluate(
        """async (body) => (await fetch("/api/teacher/login", {method: "POST",
            headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)})).status""",
        {"teacher_code": "T001", "pin": PIN, "image_base64": encoded(ADA)},
    )
    assert status == 200


def assert_usable(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


@needs_chromium
def test_the_login_page(example: Example, tmp_path: Path) -> None:
    with page_before(example, tmp_path, ADA) as page:
        page.goto("/login.html")
        assert_usable(page)
        page.get_by_label("Code").fill("T001")
        page.get_by_label("PIN").fill(PIN)
        expect(page.locator("video")).to_have_js_property("readyState", HAVE_ENOUGH_DATA)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("status")).to_have_text("Logged in: Ada Lovelace (T001)")
        page.reload()
        expect(page.get_by_role("status")).to_have_text("Logged in: Ada Lovelace (T001)")
        assert page.evaluate("document.cookie") == ""
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("status")).to_have_text("")
        expect(page.get_by_label("PIN")).to_be_visible()


@needs_chromium
def test_the_attendance_page(example: Example, ada: httpx.Client, tmp_path: Path) -> None:
    enroll(ada, "S052", STUDENT)
    with page_before(example, tmp_path, STUDENT, STRANGER) as page:
        log_in_by_script(page)
        page.goto("/attendance.html")
        assert_usable(page)
        page.get_by_label("Session").fill("9")
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#marked li")).to_have_text(["Pupil S052: Present"])
        pixels = "document.querySelector('canvas').getContext('2d').getImageData(0, 0, 640, 480).data"
        assert page.evaluate(f"{pixels}.some(Boolean)")
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("button", name="Start")).to_be_enabled()
        assert page.evaluate("document.querySelector('video').srcObject") is None
    body = {"image_base64": encoded(STUDENT), "session_id": 9}
    [marked] = ada.post("/api/attendance/scan", json=body).json()["marked"]
    assert marked["already_marked"] is True
    ada.request("DELETE", "/api/face/delete", json={"person_type": "student", "person_code": "S052"})


@needs_chromium
def test_the_admin_page(example: Example, tmp_path: Path) -> None:
    file = tmp_path / "pupil.png"
    file.write_bytes(picture(54, format="PNG"))
    with page_before(example, tmp_path, 55) as page:
        log_in_by_script(page)
        page.goto("/admin.html")
        assert_usable(page)
        page.on("dialog", lambda dialog: dialog.accept())
        for code in ("S054", "S055"):
            page.get_by_label("Code", exact=True).fill(code)
            page.get_by_label("Name", exact=True).fill(f"Pupil {code}")
            if code == "S054":
                page.get_by_label("Picture").set_input_files(file)
            else:
                page.get_by_role("button", name="Use the camera").click()
                expect(page.locator("video")).to_have_js_property("readyState", HAVE_ENOUGH_DATA)
            page.get_by_role("button", name="Enrol").click()
            expect(page.get_by_role("row").filter(has_text=f"Pupil {code}")).to_be_visible()
        page.get_by_role("button", name="Delete all faces of S054").click()
        expect(page.get_by_role("row").filter(has_text="Pupil S054")).to_have_count(0)
        row = page.get_by_role("row").filter(has_text="Pupil S055")
        row.get_by_role("button", name="Delete face").click()
        expect(row).to_have_count(0)
