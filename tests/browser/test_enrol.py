"""The page Enrol: from the camera and from files, with what became of each picture."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenSchool, Visit
from tests.browser.school import STRANGER, School
from tests.browser.visitor import Visitor
from tests.packs import empty_picture, picture

BEFORE_THE_CAMERA: Final = 20
PHONE: Final = {"viewport": {"width": 375, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def camera_pictures() -> list[bytes]:
    return [picture(BEFORE_THE_CAMERA)]


@pytest.fixture(scope="module")
def school(open_school: OpenSchool) -> School:
    return open_school()


def name_the_person(visitor: Visitor, code: str, name: str = "Ada Lovelace") -> None:
    visitor.page.get_by_label("Code").fill(code)
    visitor.page.get_by_label("Name").fill(name)


def choose(visitor: Visitor, *files: tuple[str, bytes] | Path) -> None:
    chosen: list[Any] = [
        file if isinstance(file, Path) else {"name": file[0], "mimeType": "image/jpeg", "buffer": file[1]}
        for file in files
    ]
    visitor.page.get_by_label("Choose pictures").set_input_files(chosen)


def tray(visitor: Visitor) -> Locator:
    return visitor.page.locator(".tray-item")


def say(visitor: Visitor, words: Sequence[str]) -> None:
    """The pictures of the tray say these words, in this order."""
    for place, text in enumerate(words):
        expect(tray(visitor).nth(place)).to_contain_text(text)
    expect(tray(visitor)).to_have_count(len(words))


def test_a_person_is_enrolled_by_the_camera_and_the_space_bar(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("enrol")
    name_the_person(visitor, "E001")
    visitor.button("Start the camera").click()
    expect(visitor.page.locator(".hint-line")).to_contain_text("Good: take the picture.")
    expect(visitor.button("Take the picture")).to_be_focused()
    for taken in (1, 2):
        visitor.page.keyboard.press("Space")
        expect(tray(visitor)).to_have_count(taken)
    say(visitor, ["Good picture", "Good picture"])
    visitor.button("Enrol 2 pictures").click()
    say(visitor, ["Enrolled", "Enrolled"])
    assert school.faces_of("E001") == 2
    assert school.name_of(BEFORE_THE_CAMERA) == "Ada Lovelace"


def test_hints_are_said_to_screen_readers(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("enrol")
    visitor.button("Start the camera").click()
    expect(visitor.page.get_by_role("status")).to_have_text("Good: take the picture.")


def test_the_camera_is_let_go_when_the_page_is_left(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("enrol")
    visitor.button("Start the camera").click()
    expect(visitor.button("Take the picture")).to_be_visible()
    track = visitor.page.evaluate_handle("document.querySelector('video').srcObject.getVideoTracks()[0]")
    assert track.evaluate("(track) => track.readyState") == "live"
    visitor.page.get_by_role("link", name="Models").click()
    expect(visitor.heading("Models").first).to_be_visible()
    assert track.evaluate("(track) => track.readyState") == "ended"


def test_files_are_enrolled_one_after_the_other_each_with_its_own_result(
    school: School, visit: Visit
) -> None:
    visitor = visit(school)
    visitor.open("enrol")
    name_the_person(visitor, "E002")
    choose(visitor, ("1.jpg", picture(21)), ("nobody.jpg", empty_picture()), ("2.png", picture(21)))
    say(visitor, ["Good picture", "No face was found.", "Good picture"])
    visitor.button("Enrol 3 pictures").click()
    say(visitor, ["Enrolled", "No face was found in the picture.", "Enrolled"])
    assert school.faces_of("E002") == 2


def test_files_can_be_dropped(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("enrol")
    dropped = visitor.dragged({f"{person}.jpg": picture(person) for person in (31, 32)})
    zone = visitor.page.locator(".dropzone")
    zone.dispatch_event("dragenter", {"dataTransfer": dropped})
    expect(zone).to_have_class("dropzone dropzone-over")
    zone.dispatch_event("drop", {"dataTransfer": dropped})
    expect(zone).to_have_class("dropzone")
    say(visitor, ["31.jpgGood picture", "32.jpgGood picture"])


def test_a_picture_can_be_removed_before_it_is_sent(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("enrol")
    name_the_person(visitor, "E003")
    choose(visitor, ("1.jpg", picture(22)), ("2.jpg", picture(23)))
    visitor.button("Remove picture 2, 2.jpg").click()
    say(visitor, ["Good picture"])
    visitor.button("Enrol", exact=True).click()
    say(visitor, ["Enrolled"])
    assert school.name_of(22) == "Ada Lovelace"
    assert school.name_of(23) is None


@pytest.mark.parametrize(
    ("code", "choice", "faces"), [("E004", "Add to them", 2), ("E005", "Replace them", 1)]
)
def test_whoever_has_a_face_already_is_asked_about(
    school: School, visit: Visit, code: str, choice: str, faces: int
) -> None:
    school.enrol(24, code, "Ada Lovelace")
    visitor = visit(school)
    visitor.open("enrol")
    name_the_person(visitor, code)
    choose(visitor, ("1.jpg", picture(25)))
    visitor.button("Enrol", exact=True).click()
    say(visitor, ["This person is already enrolled."])
    assert school.faces_of(code) == 1
    visitor.button(choice).click()
    say(visitor, ["Enrolled"])
    assert school.faces_of(code) == faces


def test_what_the_address_names_is_filled_in_and_known(school: School, visit: Visit) -> None:
    school.enrol(26, "E006", "Alan Turing", kind="teacher")
    visitor = visit(school)
    visitor.open("enrol?type=teacher&code=E006")
    expect(visitor.page.get_by_label("Teacher")).to_be_checked()
    expect(visitor.page.get_by_label("Code")).to_have_value("E006")
    expect(visitor.page.get_by_label("Name")).to_have_value("Alan Turing")
    expect(visitor.page.get_by_role("main").get_by_text("Known: Alan Turing, one face.")).to_be_visible()


def test_the_name_of_another_code_does_not_stay(school: School, visit: Visit) -> None:
    school.enrol(26, "E011", "Alan Turing")
    visitor = visit(school)
    visitor.open("enrol?code=E011")
    expect(visitor.page.get_by_label("Name")).to_have_value("Alan Turing")
    visitor.page.get_by_label("Code").fill("E012")
    visitor.page.keyboard.press("Tab")
    expect(visitor.page.get_by_role("main").get_by_text("This code is new.")).to_be_visible()
    expect(visitor.page.get_by_label("Name")).to_have_value("")


def test_a_mode_that_is_chosen_by_hand_holds(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("enrol")
    name_the_person(visitor, "E013")
    for name, person in (("1.jpg", 27), ("2.jpg", 28)):
        choose(visitor, (name, picture(person)))
        visitor.button("Enrol", exact=True).click()
        expect(tray(visitor).last).to_contain_text("Enrolled")
        visitor.page.get_by_label("Replace all").check()
    assert school.faces_of("E013") == 1


def heic() -> bytes:
    return b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)


def gif() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (20, 20)).save(file, "GIF")
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("IMG_1.HEIC", heic(), "IMG_1.HEIC is a HEIC picture, as iPhones take them."),
        ("cat.gif", gif(), "cat.gif is a GIF file. This server takes JPEG, PNG and WebP."),
        ("list.jpg", b"code;name\n", "list.jpg is no picture that is known here."),
        ("broken.jpg", picture(27)[:300], "The picture cannot be decoded."),
    ],
    ids=["HEIC", "GIF", "text", "broken"],
)
def test_what_is_no_picture_is_refused_in_words(
    school: School, visit: Visit, name: str, content: bytes, words: str
) -> None:
    visitor = visit(school)
    visitor.open("enrol")
    choose(visitor, (name, content))
    say(visitor, [words])
    name_the_person(visitor, "E007")
    visitor.button("Enrol", exact=True).click()
    expect(
        visitor.page.get_by_role("main").get_by_text("There is no picture to enrol.", exact=True)
    ).to_be_visible()
    assert school.faces_of("E007") == 0


def test_a_picture_of_more_than_10_mb_is_reduced_before_it_is_sent(
    school: School, visit: Visit, tmp_path: Path
) -> None:
    large = picture(28, size=(2560, 1920), format="PNG")
    # Bytes after a PNG's end mean nothing to it.
    (tmp_path / "large.png").write_bytes(large + bytes(11 * 1024 * 1024))
    visitor = visit(school)
    visitor.open("enrol")
    name_the_person(visitor, "E008")
    choose(visitor, tmp_path / "large.png")
    say(visitor, ["Good picture"])
    visitor.button("Enrol", exact=True).click()
    say(visitor, ["Enrolled"])
    assert school.faces_of("E008") == 1


def test_a_face_that_is_not_good_enough_is_told_why(open_school: OpenSchool, visit: Visit) -> None:
    strict = open_school(enable_face_quality_check=True)
    visitor = visit(strict)
    visitor.open("enrol")
    name_the_person(visitor, "E001")
    choose(visitor, ("small.jpg", picture(29, size=(200, 150))))
    say(visitor, ["The face is too small; take the picture from nearer by."])
    visitor.button("Enrol", exact=True).click()
    say(visitor, ["The face is too small; take the picture from nearer by.Take a sharp, evenly lit picture"])
    assert strict.faces_of("E001") == 0


def test_after_one_person_comes_the_next(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("enrol")
    name_the_person(visitor, "E009")
    choose(visitor, ("1.jpg", picture(30)))
    visitor.button("Enrol", exact=True).click()
    say(visitor, ["Enrolled"])
    visitor.button("Enrol another person").click()
    expect(tray(visitor)).to_have_count(0)
    expect(visitor.page.get_by_label("Code")).to_be_focused()
    expect(visitor.page.get_by_label("Code")).to_have_value("")


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_nothing_keeps_people_from_using_it(school: School, visit: Visit, colours: str) -> None:
    visitor = visit(school, color_scheme=colours)
    visitor.open("enrol")
    visitor.button("Start the camera").click()
    expect(visitor.page.locator(".hint-line")).to_be_visible()
    choose(visitor, ("1.jpg", picture(STRANGER)), ("IMG_1.HEIC", heic()))
    say(visitor, ["Good picture", "HEIC"])
    assert visitor.grave_findings() == []


def test_it_fits_on_a_phone(school: School, visit: Visit) -> None:
    visitor = visit(school, **PHONE)
    visitor.open("enrol")
    name_the_person(visitor, "E010")
    visitor.button("Start the camera").click()
    expect(visitor.page.locator(".hint-line")).to_contain_text("Good")
    visitor.button("Take the picture").tap()
    say(visitor, ["Good picture"])
    visitor.button("Enrol", exact=True).tap()
    say(visitor, ["Enrolled"])
    assert visitor.overhang() == 0
    assert visitor.grave_findings() == []
