"""The page Recognise: names over the camera's picture, as the server sees it."""

from typing import Any, Final

import pytest
from playwright.sync_api import Locator, Response, expect

from rollcall.core.api_keys import Role
from tests.browser.conftest import OpenSchool, Visit
from tests.browser.school import PUPILS, STRANGER, TEACHER, TEACHER_IS, School
from tests.browser.visitor import Visitor
from tests.keys import make_key
from tests.packs import empty_picture, picture

# The left one and the right one; a film's picture has 640 x 480 pixels.
BEFORE_THE_CAMERA: Final = (1, 2)
FRAME: Final = (640, 480)
PHONE: Final = {"viewport": {"width": 375, "height": 740}, "has_touch": True, "is_mobile": True}
RECOGNISE_ALL: Final = "/api/face/recognize-all"


@pytest.fixture(scope="module")
def camera_pictures() -> list[bytes]:
    return [picture(*BEFORE_THE_CAMERA)]


@pytest.fixture(scope="module")
def school(open_school: OpenSchool) -> School:
    school = open_school()
    school.add_people()
    return school


@pytest.fixture
def watching(school: School, visit: Visit) -> Visitor:
    """Somebody whose camera is on and who sees the first names."""
    visitor = visit(school)
    watch(visitor)
    return visitor


def watch(visitor: Visitor) -> None:
    visitor.open("recognise")
    visitor.button("Start the camera").click()
    expect(boxes(visitor)).to_have_count(2)


def boxes(visitor: Visitor) -> Locator:
    return visitor.page.locator(".face-box")


def box_of(visitor: Visitor, pupil: int) -> Locator:
    return boxes(visitor).filter(has_text=PUPILS[pupil].name)


def seen(visitor: Visitor, name: str) -> Locator:
    return visitor.page.locator(".sighting").filter(has_text=name)


def next_answer(visitor: Visitor) -> dict[str, Any]:
    with visitor.page.expect_response(lambda response: RECOGNISE_ALL in response.url) as waited:
        pass
    answer: dict[str, Any] = waited.value.json()
    return answer


def shown_place(visitor: Visitor, pupil: int) -> tuple[float, float, float, float]:
    """Where a pupil's box is on the stage: x, y, width and height, each as a part of it."""
    # In one go: with the next answer there are other boxes.
    x, y, width, height = visitor.page.evaluate(
        """(name) => {
            const boxes = [...document.querySelectorAll(".face-box")];
            const box = boxes.find((one) => one.textContent.includes(name));
            const stage = box.closest(".stage").getBoundingClientRect();
            const place = box.getBoundingClientRect();
            return [(place.x - stage.x) / stage.width, (place.y - stage.y) / stage.height,
                    place.width / stage.width, place.height / stage.height];
        }""",
        PUPILS[pupil].name,
    )
    return x, y, width, height


def right_place(face: dict[str, Any], *, mirrored: bool) -> tuple[float, float, float, float]:
    box = face["box"]
    x = FRAME[0] - box["x"] - box["width"] if mirrored else box["x"]
    return x / FRAME[0], box["y"] / FRAME[1], box["width"] / FRAME[0], box["height"] / FRAME[1]


def assert_boxes_are_right(visitor: Visitor, *, mirrored: bool) -> None:
    faces = {face["match"]["person_code"]: face for face in next_answer(visitor)["faces"]}
    for pupil in (0, 1):
        place = shown_place(visitor, pupil)
        assert place == pytest.approx(right_place(faces[PUPILS[pupil].code], mirrored=mirrored), abs=0.01)


@pytest.mark.parametrize(
    "context", [{}, {"viewport": {"width": 1900, "height": 1000}}, PHONE], ids=["", "wide", "phone"]
)
def test_names_lie_over_the_faces_mirrored_or_not(
    school: School, visit: Visit, context: dict[str, Any]
) -> None:
    visitor = visit(school, **context)
    watch(visitor)
    mirror = visitor.page.get_by_label("Mirror the picture")
    expect(mirror).to_be_checked()
    assert_boxes_are_right(visitor, mirrored=True)
    mirror.uncheck()
    expect(boxes(visitor)).to_have_count(2)
    assert_boxes_are_right(visitor, mirrored=False)


def test_boxes_stay_right_when_the_window_changes(watching: Visitor) -> None:
    before = shown_place(watching, 0)
    watching.page.set_viewport_size({"width": 700, "height": 900})
    assert shown_place(watching, 0) == pytest.approx(before, abs=0.01)
    assert_boxes_are_right(watching, mirrored=True)


def test_who_is_seen_stands_in_a_list_and_is_said(watching: Visitor) -> None:
    for pupil in (0, 1):
        row = seen(watching, PUPILS[pupil].name)
        expect(row).to_contain_text(f"student {PUPILS[pupil].code}")
        expect(row).to_contain_text("% sure, similarity 1.00" if pupil == 0 else "% sure, similarity")
        expect(row).to_contain_text("now")
    expect(watching.page.get_by_role("status")).to_contain_text("Seen: ")
    expect(watching.page.get_by_role("main").get_by_text("2 faces in the picture, 2 known.")).to_be_visible()


def test_the_threshold_starts_where_the_server_stands_and_counts_for_the_next_picture(
    open_school: OpenSchool, visit: Visit
) -> None:
    school = open_school(similarity_threshold=0.45)
    school.add_people()
    visitor = visit(school)
    watch(visitor)
    slider = visitor.page.get_by_label("Least similarity")
    expect(slider).to_have_value("0.45")
    slider.focus()
    visitor.page.keyboard.press("End")
    expect(boxes(visitor).filter(has_text="Unknown")).to_have_count(2)
    expect(seen(visitor, "2 unknown faces")).to_be_visible()
    visitor.button("As the server has it").click()
    expect(slider).to_have_value("0.45")
    expect(box_of(visitor, 0)).to_be_visible()


def test_a_pause_freezes_the_names_and_asks_no_more(watching: Visitor) -> None:
    watching.page.clock.install()
    next_answer(watching)
    watching.button("Pause").click()
    asked: list[Response] = []
    watching.page.on(
        "response", lambda response: asked.append(response) if RECOGNISE_ALL in response.url else None
    )
    watching.page.clock.run_for(20_000)
    expect(boxes(watching)).to_have_count(2)
    # What the server is asked meanwhile is answered after anything that was asked before.
    seen(watching, PUPILS[0].name).get_by_role("button", name="Right").click()
    expect(watching.page.get_by_role("status")).to_contain_text("Thank you.")
    assert asked == []
    watching.button("Go on").click()
    next_answer(watching)


def test_right_and_wrong_are_told_to_the_server(watching: Visitor) -> None:
    watching.button("Pause").click()
    row = seen(watching, PUPILS[0].name)
    thanks = watching.page.locator(".toast")
    row.get_by_role("button", name="Right").click()
    expect(thanks.last).to_have_text("Thank you. 1 answer is counted.")
    row.get_by_role("button", name="Right").click()
    expect(thanks.last).to_have_text("Thank you. That was known already.")
    with watching.page.expect_response(lambda response: "feedback" in response.url) as told:
        row.get_by_role("button", name="Wrong").click()
    assert told.value.json()["outcomes"] == ["false_match"]


def test_whose_an_unknown_face_is_can_be_told(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("recognise")
    choose(visitor, picture(STRANGER))
    row = seen(visitor, "Unknown face")
    row.get_by_role("button", name="Wrong, I know who this is").click()
    visitor.page.get_by_label("Whose face is it? Code").fill("S009")
    with visitor.page.expect_response(lambda response: "feedback" in response.url) as told:
        visitor.page.keyboard.press("Enter")
    assert told.value.json()["outcomes"] == ["false_non_match"]


def choose(visitor: Visitor, content: bytes, name: str = "class.jpg") -> None:
    file: Any = {"name": name, "mimeType": "image/jpeg", "buffer": content}
    visitor.page.get_by_label("Choose a picture").set_input_files(file)


def test_a_picture_file_is_recognised_and_follows_the_threshold(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("recognise")
    choose(visitor, picture(3, 4, STRANGER, size=(1000, 500)))
    expect(boxes(visitor)).to_have_count(3)
    expect(box_of(visitor, 2)).to_be_visible()
    expect(box_of(visitor, 3)).to_be_visible()
    # Cards are 175 pixels wide here, and the first begins 12 pixels from the left: see tests/packs.py.
    x, _, width, _ = shown_place(visitor, 2)
    assert (x + width / 2) * 1000 == pytest.approx(100, abs=6)
    slider = visitor.page.get_by_label("Least similarity")
    slider.focus()
    visitor.page.keyboard.press("End")
    expect(boxes(visitor).filter(has_text="Unknown")).to_have_count(3)


def test_of_several_pictures_the_first_is_taken_and_that_is_told(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("recognise")
    dropped = visitor.dragged({"1.jpg": picture(3), "2.jpg": picture(4)})
    visitor.page.locator(".dropzone").dispatch_event("drop", {"dataTransfer": dropped})
    expect(visitor.page.locator(".toast")).to_have_text("One at a time: 1.jpg was taken.")
    expect(box_of(visitor, 2)).to_be_visible()
    expect(boxes(visitor)).to_have_count(1)


def test_only_those_who_are_looked_for_are_named(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("recognise")
    choose(visitor, picture(1, TEACHER_IS))
    expect(boxes(visitor).filter(has_text=TEACHER[1])).to_be_visible()
    expect(box_of(visitor, 0)).to_be_visible()
    visitor.page.get_by_label("Look among").select_option("Teachers")
    expect(boxes(visitor).filter(has_text="Unknown")).to_be_visible()
    expect(boxes(visitor).filter(has_text=TEACHER[1])).to_be_visible()


def test_a_picture_of_nobody_and_one_that_is_none_are_told(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("recognise")
    choose(visitor, empty_picture())
    expect(visitor.page.get_by_role("main").get_by_text("No face in the picture.")).to_be_visible()
    choose(visitor, picture(1)[:400], "half.jpg")
    expect(
        visitor.page.get_by_role("main").get_by_text("half.jpg cannot be shown: it is broken")
    ).to_be_visible()
    choose(visitor, b"GIF89a" + bytes(50), "cat.gif")
    expect(visitor.page.get_by_role("main").get_by_text("cat.gif is a GIF file.")).to_be_visible()


def test_a_kiosks_key_is_enough(open_school: OpenSchool, visit: Visit) -> None:
    admin, kiosk = make_key(), make_key("gate", Role.KIOSK)
    school = open_school(api_keys=f"{admin.entry},{kiosk.entry}")
    school.client.headers.update(admin.headers)
    school.add_people()
    visitor = visit(school)
    visitor.open("recognise")
    visitor.button("Start the camera").click()
    visitor.page.get_by_role("textbox", name="API key").fill(kiosk.key)
    visitor.button("Use this key").click()
    expect(boxes(visitor)).to_have_count(2)
    visitor.button("Pause").click()
    seen(visitor, PUPILS[0].name).get_by_role("button", name="Right").click()
    expect(visitor.page.locator(".toast")).to_contain_text("Thank you.")


@pytest.fixture
def busy_school(open_school: OpenSchool) -> School:
    school = open_school(rate_limit_per_minute=40)
    school.add_people(enrolled=2)
    return school


def test_it_waits_when_others_have_used_up_the_limit(busy_school: School, visit: Visit) -> None:
    visitor = visit(busy_school)
    visitor.page.clock.install()
    watch(visitor)
    left = int(busy_school.client.get("/api/face/list/all").headers["X-RateLimit-Remaining"])
    for _ in range(left - 4):
        busy_school.client.get("/api/face/list/all")
    asked: list[int] = []
    visitor.page.on(
        "response", lambda answer: asked.append(answer.status) if RECOGNISE_ALL in answer.url else None
    )
    visitor.page.clock.run_for(3_000)
    wait_for_answers(visitor, asked, 1)
    # That answer said how little is left; the page now waits until some of it comes back, most of a minute.
    visitor.page.clock.run_for(30_000)
    # Answered after anything that was asked before.
    seen(visitor, PUPILS[0].name).get_by_role("button", name="Right").click()
    expect(visitor.page.get_by_role("status")).to_contain_text("Thank you.")
    assert asked == [200]


def wait_for_answers(visitor: Visitor, asked: list[int], count: int) -> None:
    while len(asked) < count:
        visitor.page.wait_for_event("response")


def test_too_many_requests_are_said_in_words_and_waited_for(busy_school: School, visit: Visit) -> None:
    visitor = visit(busy_school)
    visitor.page.clock.install()
    watch(visitor)
    while busy_school.client.get("/api/face/list/all").status_code == 200:
        pass
    visitor.page.clock.run_for(3_000)
    expect(visitor.page.get_by_role("main").get_by_text("Too many requests.")).to_be_visible()
    expect(visitor.page.get_by_role("main").get_by_text("It is tried again in")).to_be_visible()


def test_a_hidden_page_lets_the_camera_go_and_takes_it_again(watching: Visitor) -> None:
    track = watching.page.evaluate_handle("document.querySelector('video').srcObject.getVideoTracks()[0]")
    set_hidden(watching, True)
    assert track.evaluate("(track) => track.readyState") == "ended"
    expect(boxes(watching)).to_have_count(0)
    set_hidden(watching, False)
    expect(boxes(watching)).to_have_count(2)


def set_hidden(visitor: Visitor, hidden: bool) -> None:
    """As when another tab is shown, which a browser without a screen never does."""
    visitor.page.evaluate(
        """(hidden) => {
            Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_a_camera_that_is_unplugged_is_told(watching: Visitor) -> None:
    watching.page.evaluate(
        "document.querySelector('video').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))"
    )
    expect(watching.page.locator(".camera-problem")).to_contain_text("The camera stopped")
    expect(boxes(watching)).to_have_count(0)
    watching.button("Try again").click()
    expect(boxes(watching)).to_have_count(2)


def test_a_stopped_camera_is_let_go(watching: Visitor) -> None:
    track = watching.page.evaluate_handle("document.querySelector('video').srcObject.getVideoTracks()[0]")
    watching.button("Stop the camera").click()
    assert track.evaluate("(track) => track.readyState") == "ended"
    expect(watching.page.get_by_role("main").get_by_text("The camera is off.")).to_be_visible()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_nothing_keeps_people_from_using_it(school: School, visit: Visit, colours: str) -> None:
    visitor = visit(school, color_scheme=colours)
    watch(visitor)
    visitor.button("Pause").click()
    assert visitor.grave_findings() == []


def test_it_fits_on_a_phone(school: School, visit: Visit) -> None:
    visitor = visit(school, **PHONE)
    watch(visitor)
    assert visitor.overhang() == 0
    assert visitor.grave_findings() == []
