"""The Express example's pages, in a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import launched, needs_chromium
from tests.browser.fake_camera import camera_options
from tests.e2e.express_example import ADA, PIN, Example, encoded, enroll, logged_in
from tests.node import needs_node
from tests.packs import picture

pytestmark = [pytest.mark.slow, needs_node]

STUDENT, STRANGER = 52, 53  # synthetic people
PATIENCE_MS: Final = 30_000  # a busy machine may be slow
HAVE_ENOUGH_DATA: Final = 4  # of a video: it plays

expect.set_options(timeout=PATIENCE_MS)


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
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text())
    found: list[dict[str, Any]] = page.evaluate("axe.run().then((all) => all.violations)")
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
def test_the_attendance_page(example: Example, tmp_path: Path) -> None:
    with logged_in(example, "T001", ADA) as ada:
        enroll(ada, "S052", STUDENT)
    with page_before(example, tmp_path, STUDENT, STRANGER) as page:
        log_in_by_script(page)
        page.goto("/attendance.html")
        assert_usable(page)
        page.get_by_label("Session").fill("9")
        page.get_by_role("button", name="Start").click()
        # What was chosen holds while the camera marks.
        expect(page.get_by_label("Session")).to_be_disabled()
        expect(page.locator("#marked li")).to_have_text(["Pupil S052: Present"])
        pixels = "document.querySelector('canvas').getContext('2d').getImageData(0, 0, 640, 480).data"
        assert page.evaluate(f"{pixels}.some(Boolean)")
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("button", name="Start")).to_be_enabled()
        expect(page.get_by_label("Session")).to_be_enabled()
        assert page.evaluate("document.querySelector('video').srcObject") is None
    with logged_in(example, "T001", ADA) as ada:
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
