"""What holds for every page: for eyes, for screen readers, for the keyboard, on a phone and in the dark."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenSchool, Visit
from tests.browser.school import SESSION, School

PAGES = {
    "overview": "Recognitions today",
    "people": "Ada Lovelace",
    "people?type=student&code=S001": "1 enrolled face",
    "enrol": "Enrol",
    "recognise": "Recognise",
    f"attendance?session={SESSION}": "Alan Turing",
    "import": "Import",
    "models": "This model answers now.",
}
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def school(open_school: OpenSchool) -> School:
    school = open_school()
    school.add_people(enrolled=3)
    school.recognise(1)
    school.mark(1)
    return school


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_grave_in_light_and_in_dark(school: School, visit: Visit, name: str) -> None:
    visitor = visit(school, color_scheme="light")
    visitor.open(name)
    expect(visitor.page.get_by_role("main")).to_contain_text(PAGES[name])
    assert visitor.grave_findings() == []
    visitor.page.emulate_media(color_scheme="dark")
    expect(visitor.page.locator("html")).to_have_attribute("data-theme", "dark")
    assert visitor.grave_findings() == []


def test_a_phone_scrolls_no_page_sideways(school: School, visit: Visit) -> None:
    visitor = visit(school, **PHONE)
    for name, words in PAGES.items():
        visitor.open(name)
        expect(visitor.page.get_by_role("main")).to_contain_text(words)
        assert visitor.overhang() <= 0, name


def test_a_phone_folds_the_navigation_into_a_menu(school: School, visit: Visit) -> None:
    visitor = visit(school, **PHONE)
    visitor.open("overview")
    models = visitor.page.get_by_role("link", name="Models")
    expect(models).to_be_hidden()
    visitor.button("Menu").click()
    models.click()
    expect(visitor.heading("Models").first).to_be_visible()
    expect(models).to_be_hidden()
    visitor.button("Menu").click()
    assert visitor.grave_findings() == []
    visitor.page.keyboard.press("Escape")
    expect(models).to_be_hidden()


def test_the_keyboard_alone_opens_every_page(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("overview")
    titles = visitor.page.get_by_role("navigation").get_by_role("link").all_inner_texts()
    assert len(titles) == 7
    for place, title in enumerate(titles):
        visitor.page.evaluate("() => document.activeElement.blur()")
        visitor.page.get_by_role("link", name="Skip to content").focus()
        # The brand's link stands between.
        for _ in range(place + 2):
            visitor.page.keyboard.press("Tab")
        visitor.page.keyboard.press("Enter")
        expect(visitor.page).to_have_title(f"{title} · Rollcall")
        expect(visitor.page.get_by_role("heading", level=1)).to_be_focused()


def test_the_first_tab_leads_past_the_navigation(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("people")
    expect(visitor.page.get_by_role("link", name="Ada Lovelace")).to_be_visible()
    visitor.page.keyboard.press("Tab")
    expect(visitor.page.get_by_role("link", name="Skip to content")).to_be_focused()
    visitor.page.keyboard.press("Enter")
    visitor.page.keyboard.press("Tab")
    expect(visitor.page.get_by_role("link", name="Enrol a person")).to_be_focused()


def test_the_chosen_colours_stay_when_the_page_is_loaded_again(school: School, visit: Visit) -> None:
    visitor = visit(school, color_scheme="light")
    visitor.open("models")
    root = visitor.page.locator("html")
    expect(root).to_have_attribute("data-theme", "light")
    visitor.button("Dark colours").click()
    expect(root).to_have_attribute("data-theme", "dark")
    visitor.page.reload()
    expect(root).to_have_attribute("data-theme", "dark")
    expect(visitor.button("Light colours")).to_be_visible()


def test_without_a_choice_the_colours_follow_the_system(school: School, visit: Visit) -> None:
    visitor = visit(school, color_scheme="dark")
    visitor.open("models")
    root = visitor.page.locator("html")
    expect(root).to_have_attribute("data-theme", "dark")
    visitor.page.emulate_media(color_scheme="light")
    expect(root).to_have_attribute("data-theme", "light")


def test_nothing_is_loaded_from_elsewhere(school: School, visit: Visit) -> None:
    visitor = visit(school)
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    for name in PAGES:
        visitor.open(name)
        expect(visitor.page.get_by_role("main")).to_contain_text(PAGES[name])
    hosts = {urlsplit(url).netloc for url in asked if urlsplit(url).scheme in ("http", "https")}
    assert hosts == {urlsplit(school.url).netloc}


def test_an_unreachable_server_is_told_and_tried_again(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("people")
    expect(visitor.page.get_by_role("link", name="Ada Lovelace")).to_be_visible()
    visitor.page.context.set_offline(True)
    visitor.page.get_by_label("Search").fill("grace")
    told = visitor.page.get_by_role("main").get_by_text("The server cannot be reached.")
    expect(told).to_be_visible()
    visitor.page.context.set_offline(False)
    visitor.button("Try again").click()
    expect(visitor.page.get_by_role("link", name="Grace Hopper")).to_be_visible()
    # The browser itself writes down what it could not load.
    visitor.problems[:] = [text for text in visitor.problems if "ERR_INTERNET_DISCONNECTED" not in text]


def test_what_a_proxy_answers_is_told_as_such(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.page.route(
        "**/api/people*",
        lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>", content_type="text/html"),
    )
    visitor.open("people")
    expect(visitor.page.get_by_role("main")).to_contain_text("The answer is not one of Rollcall's.")


def test_the_interactive_docs_keep_their_policy_too(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.page.goto(f"{school.url}/docs")
    expect(visitor.heading("Rollcall").first).to_be_visible()
    visitor.page.locator(".opblock-summary").first.click()
    expect(visitor.button("Try it out").first).to_be_visible()


def test_console_without_a_slash_leads_to_it(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.page.goto(f"{school.url}/console")
    expect(visitor.page).to_have_title("Overview · Rollcall")


def test_it_works_below_a_proxys_prefix(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.page.route(
        "**/faces/**", lambda route: route.continue_(url=route.request.url.replace("/faces/", "/", 1))
    )
    visitor.page.goto(f"{school.url}/faces/console/#/people")
    expect(visitor.page.get_by_role("link", name="Ada Lovelace")).to_be_visible()
    visitor.page.get_by_role("link", name="Ada Lovelace").click()
    expect(visitor.page.get_by_role("img", name="Face 1 of Ada Lovelace (S001)")).to_be_visible()
