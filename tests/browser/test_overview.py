"""The overview: how the server stands, and what it did of late."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenSchool, Visit
from tests.browser.school import PUPILS, STRANGER, School


@pytest.fixture(scope="module")
def school(open_school: OpenSchool) -> School:
    school = open_school()
    school.enrol(1, PUPILS[0].code, PUPILS[0].name)
    school.recognise(1)
    school.recognise(1)
    school.recognise(STRANGER)
    return school


def test_the_state_is_told_in_words(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("overview")
    state = visitor.page.get_by_role("region", name="State of the service")
    for words in ("Healthy", "synthetic", "0.6 similarity", "sqlite"):
        expect(state).to_contain_text(words)


def test_the_figures_of_today_are_those_of_the_server(school: School, visit: Visit) -> None:
    figures = {
        "Enrolled faces": "1",
        "Recognitions today": "3",
        "Recognised today": "2",
        "Not recognised today": "1",
    }
    visitor = visit(school)
    visitor.open("overview")
    for name, value in figures.items():
        box = visitor.page.locator(".figure", has=visitor.page.get_by_text(name, exact=True))
        expect(box.get_by_role("definition")).to_have_text(value)


def test_every_plot_has_its_point_in_words_and_its_figures_as_a_table(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("overview")
    plot = visitor.page.get_by_role("img", name="Recognitions by hour")
    expect(plot).to_be_visible()
    expect(plot.locator("desc")).to_have_text("2 faces were recognised, 1 not.")
    for name in ("Time to answer by hour", "Similarity of the faces looked for"):
        expect(visitor.page.get_by_role("img", name=name)).to_be_visible()
    shown = visitor.page.get_by_role("region", name="Recognitions, last 24 hours")
    shown.get_by_text("Show the figures").click()
    expect(shown.get_by_role("row")).to_have_count(25)
    # All hours together: the school may have been asked before an hour turned.
    cells = [int(text) for text in shown.get_by_role("cell").all_inner_texts()]
    assert (sum(cells[::2]), sum(cells[1::2])) == (2, 1)
    assert visitor.grave_findings() == []


def test_the_threshold_is_marked_in_the_similarities(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("overview")
    expect(visitor.page.get_by_text("threshold 0.6", exact=True)).to_be_visible()


def test_it_refreshes_itself_and_leaves_the_focus_where_it_is(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.page.clock.install()
    visitor.open("overview")
    shown = visitor.page.get_by_role("region", name="Recognitions, last 24 hours")
    summary = shown.get_by_text("Show the figures")
    summary.focus()
    visitor.page.keyboard.press("Enter")
    expect(shown.get_by_role("row").last).to_be_visible()
    with visitor.page.expect_response("**/api/statistics"):
        visitor.page.clock.fast_forward(11_000)
    expect(summary).to_be_focused()
    expect(shown.get_by_role("row").last).to_be_visible()


def test_a_page_that_was_left_asks_no_more(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.page.clock.install()
    visitor.open("overview")
    expect(visitor.page.get_by_role("img", name="Recognitions by hour")).to_be_visible()
    visitor.page.get_by_role("link", name="People").click()
    expect(visitor.page.get_by_role("link", name="Ada Lovelace")).to_be_visible()
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.page.clock.fast_forward(60_000)
    # What the page asked of itself would be known before the answer to this.
    visitor.page.evaluate("fetch('/api/health').then((answer) => answer.text())")
    assert [url.removeprefix(school.url) for url in asked] == ["/api/health"]


@pytest.mark.parametrize(("zone", "is_told"), [("UTC", False), ("Asia/Kathmandu", True)])
def test_another_clock_of_the_database_is_told(
    school: School, visit: Visit, zone: str, is_told: bool
) -> None:
    visitor = visit(school, timezone_id=zone)
    visitor.open("overview")
    expect(visitor.page.get_by_role("img", name="Recognitions by hour")).to_be_visible()
    expect(visitor.page.get_by_text("The database's clock says")).to_be_visible(visible=is_told)
