"""Models: which there are, changing the one that answers, and going back."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import expect

from db import tables
from rollcall.core.ports import FaceReader
from tests.api.conftest import HeldReader
from tests.browser.conftest import OpenSchool, Visit
from tests.browser.school import BLIND, MODELS, PUPILS, School
from tests.servers import wait_for

FIRST, SECOND = MODELS
FACES = 4  # three pupils and the teacher


class Held(NamedTuple):
    """A school, and its reader, which reads no picture while it is held: a switch lasts as long as needed."""

    school: School
    reader: HeldReader


@pytest.fixture
def held(open_school: OpenSchool) -> Iterator[Held]:
    readers: list[HeldReader] = []

    def wrap(reader: FaceReader) -> FaceReader:
        readers.append(HeldReader(reader))
        return readers[0]

    school = open_school(wrap, similarity_threshold="auto")
    school.add_people(enrolled=FACES - 1)
    yield Held(school, readers[0])
    readers[0].held = False


@pytest.fixture
def school(held: Held) -> School:
    return held.school


def active(school: School) -> str:
    return str(school.client.get("/api/models").json()["active"])


def test_a_switch_is_asked_about_shown_and_taken_back(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("models")
    expect(visitor.page.get_by_role("region", name=FIRST, exact=True)).to_contain_text("Answers")
    visitor.button(f"Switch to {SECOND}").click()
    question = visitor.page.get_by_role("dialog", name=f"Let {SECOND} answer?")
    question.get_by_role("button", name="Cancel").click()
    assert active(school) == FIRST
    visitor.button(f"Switch to {SECOND}").click()
    question.get_by_role("button", name="Switch").click()
    expect(visitor.page.get_by_role("region", name=SECOND, exact=True)).to_contain_text(
        "This model answers now."
    )
    assert active(school) == SECOND
    assert visitor.grave_findings() == []
    visitor.button(f"Go back to {FIRST}").click()
    visitor.button("Go back", exact=True).click()
    expect(visitor.page.get_by_role("region", name=FIRST, exact=True)).to_contain_text(
        "This model answers now."
    )
    assert active(school) == FIRST


def test_a_switch_under_way_shows_how_far_it_is_and_can_be_cancelled(held: Held, visit: Visit) -> None:
    visitor = visit(held.school)
    visitor.open("models")
    held.reader.held = True
    visitor.button(f"Switch to {SECOND}").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Switch").click()
    card = visitor.page.get_by_role("region", name="Switch under way")
    expect(card).to_contain_text("Step 3 of 5: Reading every enrolled face")
    expect(card).to_contain_text(f"0 of {FACES} faces")
    expect(card.get_by_role("progressbar")).to_have_js_property("value", 0)
    expect(visitor.button(f"Switch to {SECOND}")).to_be_disabled()
    assert visitor.grave_findings() == []
    visitor.button("Cancel the switch").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Cancel the switch").click()
    expect(visitor.page.get_by_role("main")).to_contain_text("The last switch was cancelled.")
    assert active(held.school) == FIRST


def test_a_switch_that_would_lose_people_fails_and_says_why_and_can_be_forced(
    school: School, visit: Visit
) -> None:
    visitor = visit(school)
    visitor.open("models")
    visitor.button(f"Switch to {BLIND}").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Switch").click()
    main = visitor.page.get_by_role("main")
    expect(main).to_contain_text("The last switch failed; the running model goes on.")
    expect(main).to_contain_text("did not find themselves")
    assert active(school) == FIRST
    visitor.button("Switch all the same").click()
    question = visitor.page.get_by_role("dialog", name=f"Switch to {BLIND} all the same?")
    question.get_by_role("button", name="Switch all the same").click()
    expect(visitor.page.get_by_role("region", name=BLIND, exact=True)).to_contain_text(
        "This model answers now."
    )
    assert active(school) == BLIND


def test_faces_that_cannot_move_are_listed_and_not_asked_for_again_and_again(
    school: School, visit: Visit
) -> None:
    school.put(tables.face_data, {"PersonType": "student", "PersonCode": "OLD", "ImageData": None})
    wait_for(lambda: school.client.get("/api/models").json()["left_faces"] == 1, "the old face")
    visitor = visit(school)
    visitor.page.clock.install()
    visitor.open("models")
    link = visitor.page.get_by_role("link", name="Student OLD")
    link.focus()
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url.removeprefix(school.url)))
    school.enrol(FACES, PUPILS[FACES - 1].code, PUPILS[FACES - 1].name)
    visitor.page.clock.fast_forward(11_000)
    card = visitor.page.get_by_role("region", name=FIRST, exact=True)
    expect(card).to_contain_text(f"Faces read by it{FACES + 1}")
    expect(link).to_be_focused()
    visitor.page.evaluate("fetch('/api/health').then((answer) => answer.text())")
    assert asked == ["/api/models", "/api/health"]


def test_the_licence_and_the_files_of_each_model_are_told(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("models")
    card = visitor.page.get_by_role("region", name="buffalo_l", exact=True)
    expect(card).to_contain_text("non-commercial research only")
    expect(card).to_contain_text("Can be downloaded")
    assert visitor.overhang() <= 0
