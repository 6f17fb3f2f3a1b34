"""A server with API_KEYS asks for one, and says what is wrong with another."""

from typing import NamedTuple

import pytest
from playwright.sync_api import expect

from rollcall.core.api_keys import Role
from tests.browser.conftest import OpenSchool, Visit
from tests.browser.school import PUPILS, SESSION, School
from tests.browser.visitor import Visitor
from tests.keys import make_key
from tests.packs import picture


class Guarded(NamedTuple):
    school: School
    admin: str
    kiosk: str


@pytest.fixture(scope="module")
def guarded(open_school: OpenSchool) -> Guarded:
    admin, kiosk = make_key("office"), make_key("door", Role.KIOSK)
    school = open_school(api_keys=f"{admin.entry},{kiosk.entry}")
    school.client.headers.update(admin.headers)
    school.enrol(1, PUPILS[0].code, PUPILS[0].name)
    return Guarded(school, admin.key, kiosk.key)


def enter(visitor: Visitor, key: str) -> None:
    dialog = visitor.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_role("textbox", name="API key").fill(key)
    visitor.page.keyboard.press("Enter")


def test_the_key_is_asked_for_and_then_the_page_is_there(guarded: Guarded, visit: Visit) -> None:
    visitor = visit(guarded.school)
    visitor.open("people")
    expect(visitor.page.get_by_role("dialog")).to_contain_text("This server asks for a key.")
    assert visitor.grave_findings() == []
    enter(visitor, guarded.admin)
    expect(visitor.page.get_by_role("link", name="Ada Lovelace")).to_be_visible()
    visitor.page.reload()
    expect(visitor.page.get_by_role("link", name="Ada Lovelace")).to_be_visible()


def test_a_wrong_key_is_told_and_another_asked_for(guarded: Guarded, visit: Visit) -> None:
    visitor = visit(guarded.school)
    visitor.open("people")
    enter(visitor, "rk_wrong")
    expect(visitor.page.get_by_role("dialog")).to_contain_text("The server does not know this key.")
    enter(visitor, guarded.admin)
    expect(visitor.page.get_by_role("link", name="Ada Lovelace")).to_be_visible()


def test_the_overview_tells_the_health_to_those_without_a_key(guarded: Guarded, visit: Visit) -> None:
    visitor = visit(guarded.school)
    visitor.open("overview")
    expect(visitor.page.get_by_role("dialog")).to_be_visible()
    visitor.page.keyboard.press("Escape")
    expect(visitor.page.get_by_role("main")).to_contain_text("Healthy")
    expect(visitor.button("Enter another key")).to_be_visible()


def test_a_kiosks_key_on_an_admins_page_is_told(guarded: Guarded, visit: Visit) -> None:
    visitor = visit(guarded.school)
    visitor.open("people")
    enter(visitor, guarded.kiosk)
    expect(visitor.page.get_by_role("main")).to_contain_text("This page needs an admin key.")
    visitor.button("Enter another key").click()
    enter(visitor, guarded.admin)
    expect(visitor.page.get_by_role("link", name="Ada Lovelace")).to_be_visible()


def test_a_forgotten_key_is_asked_for_again(guarded: Guarded, visit: Visit) -> None:
    visitor = visit(guarded.school)
    visitor.open("people")
    enter(visitor, guarded.admin)
    expect(visitor.page.get_by_role("link", name="Ada Lovelace")).to_be_visible()
    visitor.button("Change the key").click()
    visitor.button("Forget the key").click()
    expect(visitor.button("Enter a key")).to_be_visible()
    visitor.page.reload()
    expect(visitor.page.get_by_role("dialog")).to_contain_text("This server asks for a key.")


def test_a_key_is_kept_for_this_tab_alone(guarded: Guarded, visit: Visit) -> None:
    visitor = visit(guarded.school)
    visitor.open("people")
    enter(visitor, guarded.admin)
    expect(visitor.page.get_by_role("link", name="Ada Lovelace")).to_be_visible()
    assert guarded.admin not in visitor.page.evaluate("() => JSON.stringify(localStorage) + location.href")


def test_a_kiosk_may_mark_a_class_and_sees_no_register(guarded: Guarded, visit: Visit) -> None:
    visitor = visit(guarded.school)
    visitor.open(f"attendance?session={SESSION}")
    enter(visitor, guarded.kiosk)
    expect(visitor.page.get_by_role("main")).to_contain_text(
        "Your key may mark students, but not see the register."
    )
    visitor.page.locator("input[type=file]").set_input_files(
        {"name": "class.jpg", "mimeType": "image/jpeg", "buffer": picture(1)}
    )
    expect(visitor.page.get_by_role("main")).to_contain_text("1 student seen")
    expect(visitor.heading("Register")).to_have_count(0)
