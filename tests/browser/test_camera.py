"""A camera that is not there, or not for this page: said in words, with what to do."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import launched
from tests.browser.conftest import OpenSchool, Visit
from tests.browser.school import School
from tests.packs import picture

ASKS_NOBODY: Final = "--use-fake-ui-for-media-stream"
SOMEWHERE: Final = "school.test"


class Trouble(NamedTuple):
    """How Chromium is started, and what the page then says."""

    options: tuple[str, ...]
    message: str
    suggestion: str


NO_CAMERA: Final = Trouble((ASKS_NOBODY,), "No camera was found.", "Connect a camera and switch it on")
DENIED: Final = Trouble(
    (f"{ASKS_NOBODY}=deny", "--use-fake-device-for-media-stream"),
    "This page may not use the camera.",
    "Allow the camera for this page",
)
NO_HTTPS: Final = Trouble(
    (ASKS_NOBODY, f"--host-resolver-rules=MAP {SOMEWHERE} 127.0.0.1"),
    "This browser gives the camera only to pages opened by HTTPS or on localhost.",
    "Open the console by its https:// address.",
)


@pytest.fixture(scope="module")
def chromium(request: pytest.FixtureRequest) -> Iterator[Browser]:
    options: tuple[str, ...] = request.param
    with launched(*options) as browser:
        yield browser


@pytest.fixture(scope="module")
def school(open_school: OpenSchool) -> School:
    return open_school()


def every(*troubles: Trouble) -> pytest.MarkDecorator:
    cases = [(trouble.options, trouble) for trouble in troubles]
    return pytest.mark.parametrize(
        ("chromium", "trouble"), cases, indirect=["chromium"], ids=[trouble.message for trouble in troubles]
    )


@every(NO_CAMERA, DENIED, NO_HTTPS)
@pytest.mark.parametrize("page", ["enrol", "recognise"])
def test_why_there_is_no_camera_is_said_in_words(
    school: School, visit: Visit, trouble: Trouble, page: str
) -> None:
    visitor = visit(school)
    visitor.open(page, host=SOMEWHERE if trouble is NO_HTTPS else None)
    visitor.button("Start the camera").click()
    notice = visitor.page.locator(".camera-problem")
    expect(notice).to_contain_text(trouble.message)
    expect(notice).to_contain_text(trouble.suggestion)
    expect(visitor.page.get_by_role("status")).to_have_text(trouble.message)
    expect(visitor.button("Start the camera")).to_be_visible()
    assert visitor.grave_findings() == []


@every(NO_CAMERA)
def test_without_a_camera_a_file_does(school: School, visit: Visit, trouble: Trouble) -> None:
    visitor = visit(school)
    visitor.open("recognise")
    visitor.button("Start the camera").click()
    expect(visitor.page.get_by_role("main").get_by_text(trouble.message, exact=True)).to_be_visible()
    file = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture(3)}
    visitor.page.get_by_label("Choose a picture").set_input_files(file)  # type: ignore[arg-type]
    expect(visitor.page.locator(".sighting")).to_contain_text("Unknown face")


TWO_CAMERAS: Final = (ASKS_NOBODY, "--use-fake-device-for-media-stream=device-count=2")


@pytest.mark.parametrize("chromium", [TWO_CAMERAS], indirect=True, ids=[""])
def test_a_chosen_camera_that_cannot_start_is_not_asked_for_again(school: School, visit: Visit) -> None:
    visitor = visit(school)
    # As of a camera that another program has: Chromium's own fake ones are never in use.
    visitor.page.add_init_script(
        """const devices = navigator.mediaDevices ?? {};
        const open = devices.getUserMedia?.bind(devices);
        devices.getUserMedia = async (wanted) => {
            if (wanted.video.deviceId) throw new DOMException("", "NotReadableError");
            return open(wanted);
        };"""
    )
    visitor.open("recognise")
    visitor.button("Start the camera").click()
    visitor.page.get_by_label("Camera", exact=True).select_option(index=1)
    expect(visitor.page.locator(".camera-problem")).to_contain_text("The camera does not start")
    visitor.button("Start the camera").click()
    expect(visitor.page.locator(".stage-live")).to_be_visible()
    assert visitor.page.evaluate("localStorage.getItem('rollcall.camera.recognise')") is None


@pytest.mark.parametrize("chromium", [TWO_CAMERAS], indirect=True, ids=[""])
def test_the_chosen_camera_is_remembered(school: School, visit: Visit) -> None:
    visitor = visit(school)
    chooser = visitor.page.get_by_label("Camera", exact=True)
    visitor.open("recognise")
    visitor.button("Start the camera").click()
    chooser.select_option(index=1)
    expect(visitor.page.locator(".stage-live")).to_be_visible()
    chosen = chooser.input_value()
    visitor.open("recognise")
    visitor.button("Start the camera").click()
    expect(chooser).to_have_value(chosen)
    in_use = "document.querySelector('video').srcObject.getVideoTracks()[0].getSettings().deviceId"
    assert visitor.page.evaluate(in_use) == chosen
