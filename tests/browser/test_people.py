"""People: finding them, seeing their faces, and deleting these."""

import pytest
from playwright.sync_api import expect

from db import tables
from tests.browser.conftest import OpenSchool, Visit
from tests.browser.school import PUPILS, School

ENROLLED = 4


@pytest.fixture(scope="module")
def school(open_school: OpenSchool) -> School:
    school = open_school()
    school.add_people(enrolled=ENROLLED)
    return school


def test_a_search_finds_parts_of_names_and_codes(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("people")
    expect(visitor.page.get_by_role("link", name="Hypatia")).to_be_visible()
    search = visitor.page.get_by_label("Search")
    search.fill("LOVE")
    expect(visitor.heading("1 person")).to_be_visible()
    expect(visitor.page.get_by_role("link", name="Ada Lovelace")).to_be_visible()
    search.fill("s00")
    expect(visitor.heading(f"{len(PUPILS)} people")).to_be_visible()
    search.fill("nobody at all")
    expect(visitor.page.get_by_role("main")).to_contain_text("Nobody was found.")
    expect(search).to_be_focused()


def test_the_list_is_narrowed_by_kind_and_by_faces(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("people")
    visitor.page.get_by_label("Who").select_option("Teachers")
    expect(visitor.heading("1 person")).to_be_visible()
    visitor.page.get_by_label("Who").select_option("Students")
    visitor.page.get_by_label("Faces").select_option("Not enrolled yet")
    expect(visitor.heading(f"{len(PUPILS) - ENROLLED} people")).to_be_visible()
    # The address has it all, so a page that is loaded again shows the same.
    visitor.page.reload()
    expect(visitor.heading(f"{len(PUPILS) - ENROLLED} people")).to_be_visible()
    expect(visitor.page.get_by_label("Faces")).to_have_value("false")


def test_many_people_come_in_pages(open_school: OpenSchool, visit: Visit) -> None:
    school = open_school()
    school.put(
        tables.student, *({"StudentCode": f"P{n:03d}", "StudentName": f"Pupil {n}"} for n in range(120))
    )
    visitor = visit(school)
    visitor.open("people")
    main = visitor.page.get_by_role("main")
    expect(main).to_contain_text("1\u201350 of 120")
    expect(visitor.button("Previous")).to_be_disabled()
    visitor.button("Next").click()
    expect(main).to_contain_text("51\u2013100 of 120")
    expect(visitor.heading("120 people")).to_be_focused()
    visitor.button("Next").click()
    expect(main).to_contain_text("101\u2013120 of 120")
    expect(visitor.button("Next")).to_be_disabled()
    expect(visitor.page.get_by_role("link", name="Pupil 119", exact=True)).to_be_visible()
    # Behind the last page, as after it was emptied, is the first one.
    visitor.open("people?offset=150")
    expect(main).to_contain_text("1\u201350 of 120")


def test_a_persons_faces_are_shown_with_their_pictures(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("people")
    visitor.page.get_by_role("link", name="Ada Lovelace").click()
    expect(visitor.heading("1 enrolled face")).to_be_visible()
    thumbnail = visitor.page.get_by_role("img", name="Face 1 of Ada Lovelace (S001)")
    expect(thumbnail).to_be_visible()
    assert thumbnail.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
    expect(visitor.page.get_by_role("main")).to_contain_text("North")


def test_the_way_back_leads_to_the_search(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("people?search=ada")
    visitor.page.get_by_role("link", name="Ada Lovelace").click()
    visitor.page.get_by_role("link", name="All people").click()
    expect(visitor.heading("1 person")).to_be_visible()
    expect(visitor.page.get_by_label("Search")).to_have_value("ada")


def test_a_face_is_added_by_the_page_for_it_with_the_person_filled_in(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("people?type=student&code=S002")
    add = visitor.page.get_by_role("link", name="Add a face")
    expect(add).to_have_attribute("href", "#/enrol?type=student&code=S002")
    add.click()
    expect(visitor.page.get_by_label("Name")).to_have_value("Alan Turing")


def test_one_face_is_deleted_after_a_question_that_names_the_person(school: School, visit: Visit) -> None:
    school.enrol(3, "S003", "Grace Hopper", mode="add")
    visitor = visit(school)
    visitor.open("people?type=student&code=S003")
    expect(visitor.heading("2 enrolled faces")).to_be_visible()
    visitor.button("Delete face 2").click()
    question = visitor.page.get_by_role("dialog", name="Delete face 2 of Grace Hopper (S003)?")
    expect(question).to_be_visible()
    assert visitor.grave_findings() == []
    visitor.page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    assert school.faces_of("S003") == 2
    expect(visitor.button("Delete face 2")).to_be_focused()
    visitor.page.keyboard.press("Enter")
    visitor.button("Delete the face").click()
    expect(visitor.heading("1 enrolled face")).to_be_visible()
    assert school.faces_of("S003") == 1
    expect(visitor.page.get_by_role("heading", level=1)).to_be_focused()


def test_all_faces_are_deleted_after_a_question_that_names_the_person(school: School, visit: Visit) -> None:
    school.enrol(9, "S009", PUPILS[8].name, mode="add")
    school.enrol(9, "S009", PUPILS[8].name, mode="add")
    visitor = visit(school)
    visitor.open("people?type=student&code=S009")
    visitor.button("Delete all faces").click()
    question = visitor.page.get_by_role("dialog", name="Delete all 2 faces of Sofia Kovalevskaya (S009)?")
    question.get_by_role("button", name="Cancel").click()
    assert school.faces_of("S009") == 2
    visitor.button("Delete all faces").click()
    question.get_by_role("button", name="Delete all faces").click()
    expect(visitor.page.get_by_role("main")).to_contain_text("No face is enrolled.")
    assert school.faces_of("S009") == 0


def test_names_that_look_like_markup_are_shown_as_they_are(open_school: OpenSchool, visit: Visit) -> None:
    school = open_school()
    name = '<img src=x onerror=alert(1)> & "Co"'
    school.put(tables.student, {"StudentCode": "X1", "StudentName": name})
    visitor = visit(school)
    visitor.open("people?search=X1")
    expect(visitor.page.get_by_role("link", name=name)).to_be_visible()
