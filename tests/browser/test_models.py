"""Models: which there are, changing the one that answers, and going back."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import OpenSchool, Visit
from tests.browser.school import MODELS, School
from tests.browser.visitor import Visitor

FIRST, SECOND = MODELS


@pytest.fixture
def school(open_school: OpenSchool) -> School:
    school = open_school(similarity_threshold="auto")
    school.add_people(enrolled=3)
    return school


def active(school: School) -> str:
    return str(school.client.get("/api/models").json()["active"])


def model(visitor: Visitor, name: str) -> str:
    return visitor.page.get_by_role("region", name=name, exact=True).inner_text()


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


def running(school: School, **changed: object) -> Callable[[Route], None]:
    """Answers GET /api/models as while a switch is under way: a real one is over too soon to be looked at."""
    found = school.client.get("/api/models").json()
    switch = {
        "id": 1,
        "kind": "switch",
        "source": FIRST,
        "target": SECOND,
        "state": "running",
        "step": "embedding",
        "done": 30,
        "total": 120,
        "problem": None,
        "rehearsal": None,
        "begun": "2026-01-05T07:00:00Z",
        "ended": None,
        **changed,
    }
    return lambda route: route.fulfill(json={**found, "next": SECOND, "switch": switch})


def test_a_switch_under_way_shows_how_far_it_is_and_can_be_cancelled(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.page.route("**/api/models", running(school))
    visitor.open("models")
    card = visitor.page.get_by_role("region", name="Switch under way")
    expect(card).to_contain_text("Step 3 of 5: Reading every enrolled face")
    expect(card).to_contain_text("30 of 120 faces")
    expect(card.get_by_role("progressbar")).to_have_js_property("value", 0.25)
    expect(visitor.button(f"Switch to {SECOND}")).to_be_disabled()
    assert visitor.grave_findings() == []
    visitor.button("Cancel the switch").click()
    with visitor.page.expect_request(lambda request: request.method == "DELETE"):
        visitor.page.get_by_role("dialog").get_by_role("button", name="Cancel the switch").click()
    # The server has no switch under way, and that is what it says.
    expect(visitor.page.get_by_role("main")).to_contain_text("The page of models says how it stands.")


def test_a_failed_switch_says_why_and_can_be_forced(school: School, visit: Visit) -> None:
    visitor = visit(school)
    problem = "3 faces would no longer be found."
    visitor.page.route("**/api/models", running(school, state="failed", step=None, problem=problem))
    visitor.open("models")
    main = visitor.page.get_by_role("main")
    expect(main).to_contain_text("The last switch failed; the running model goes on.")
    expect(main).to_contain_text(problem)
    visitor.button("Switch all the same").click()
    expect(visitor.page.get_by_role("dialog", name=f"Switch to {SECOND} all the same?")).to_be_visible()
    visitor.page.unroute("**/api/models")
    visitor.button("Switch all the same", exact=True).click()
    expect(visitor.page.get_by_role("region", name=SECOND, exact=True)).to_contain_text(
        "This model answers now."
    )
    assert active(school) == SECOND


def test_the_licence_and_the_files_of_each_model_are_told(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("models")
    card = visitor.page.get_by_role("region", name="buffalo_l", exact=True)
    expect(card).to_contain_text("non-commercial research only")
    expect(card).to_contain_text("Can be downloaded")
    assert visitor.overhang() <= 0
