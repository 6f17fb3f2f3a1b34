"""Attendance: a session's register, marking a class, and taking the list away."""

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenSchool, Visit
from tests.browser.school import PUPILS, SESSION, School
from tests.browser.visitor import Visitor
from tests.packs import empty_picture, picture

CAMERA_SESSION, FILE_SESSION, DOOR_SESSION, OTHERS_SESSION, TYPED_SESSION, QUICK_SESSION = range(21, 27)
NEW_SESSION = 4711


@pytest.fixture(scope="module")
def school(open_school: OpenSchool) -> School:
    """In SESSION pupils 3 and 4 are present and pupil 5 is late. The camera shows pupils 1 and 2."""
    school = open_school()
    school.add_people()
    school.mark(3, 4)
    school.mark(5, status="Late")
    school.mark(9, session=CAMERA_SESSION)
    return school


def counts(visitor: Visitor) -> list[str]:
    return visitor.page.locator(".choices .count").all_inner_texts()


def test_a_session_is_chosen_and_its_register_is_shown(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("attendance")
    expect(visitor.page.get_by_role("main")).to_contain_text("Choose a session.")
    visitor.page.get_by_label("Session", exact=True).select_option(str(SESSION))
    expect(visitor.page.get_by_role("row", name="Grace Hopper")).to_contain_text("Present")
    expect(visitor.page.get_by_role("row", name="Mary Somerville")).to_contain_text("Late")
    expect(visitor.page.get_by_role("row", name="Ada Lovelace")).to_contain_text("Not marked")
    assert counts(visitor) == ["9", "2", "1", "6"]


def test_a_session_that_nobody_was_marked_in_is_typed(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("attendance")
    visitor.page.get_by_label("Session number").fill(str(NEW_SESSION))
    expect(visitor.page.get_by_role("row", name="Ada Lovelace")).to_contain_text("Not marked")


def test_the_register_is_of_a_form_and_a_campus(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open(f"attendance?session={SESSION}")
    expect(visitor.page.get_by_role("row", name="Ada Lovelace")).to_be_visible()
    visitor.page.get_by_label("Form").select_option("7B")
    expect(visitor.page.get_by_role("row", name="Ada Lovelace")).to_be_hidden()
    expect(visitor.page.locator(".choices .count").first).to_have_text("3")
    visitor.page.get_by_label("Campus").select_option("South")
    expect(visitor.page.locator(".choices .count").first).to_have_text("1")
    expect(visitor.page.get_by_role("row", name="Carl Gauss")).to_be_visible()


def test_only_those_who_are_missing_are_shown_on_demand(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open(f"attendance?session={SESSION}&form=7B")
    expect(visitor.page.get_by_role("row", name="Edsger Dijkstra")).to_be_visible()
    visitor.page.get_by_role("radio", name="Missing").check()
    expect(visitor.page.get_by_role("row", name="Edsger Dijkstra")).to_be_hidden()
    expect(visitor.page.get_by_role("row", name="Carl Gauss")).to_be_visible()


def test_the_camera_marks_who_is_before_it(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open(f"attendance?session={CAMERA_SESSION}")
    expect(visitor.page.get_by_role("row", name="Ada Lovelace")).to_contain_text("Not marked")
    visitor.page.get_by_role("radio", name="Late").first.check()
    visitor.button("Start the camera").click()
    visitor.button("Scan the class").click()
    seen = visitor.page.get_by_role("main")
    expect(seen).to_contain_text("2 students seen")
    for name in ("Ada Lovelace", "Alan Turing"):
        expect(visitor.page.get_by_role("row", name=name)).to_contain_text("Late")
    visitor.button("Scan the class").click()
    expect(seen).to_contain_text("Late already")
    assert visitor.grave_findings() == []
    visitor.button("Stop the camera").click()
    expect(visitor.button("Start the camera")).to_be_focused()


def test_at_a_door_the_camera_marks_one_after_the_other(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open(f"attendance?session={DOOR_SESSION}")
    visitor.button("Start the camera").click()
    visitor.page.get_by_role("checkbox", name="Keep scanning").check()
    for name in ("Ada Lovelace", "Alan Turing"):
        expect(visitor.page.get_by_role("row", name=name)).to_contain_text("Present")
    expect(visitor.page.get_by_role("main")).to_contain_text("Present already")
    expect(visitor.button("Scan the class")).to_be_disabled()
    visitor.page.get_by_role("checkbox", name="Keep scanning").uncheck()
    expect(visitor.button("Scan the class")).to_be_enabled()


def test_in_a_session_that_is_only_typed_through_nobody_is_marked(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open(f"attendance?session={DOOR_SESSION}")
    visitor.button("Start the camera").click()
    keep_on = visitor.page.get_by_role("checkbox", name="Keep scanning")
    keep_on.check()
    expect(visitor.page.get_by_role("row", name="Ada Lovelace")).to_contain_text("Present")
    visitor.page.get_by_label("Session number").fill(str(TYPED_SESSION))
    expect(keep_on).not_to_be_checked()
    expect(visitor.page.get_by_role("row", name="Ada Lovelace")).to_contain_text("Not marked")
    # A whole scan later still nobody is marked there.
    expect(visitor.button("Scan the class")).to_be_enabled()
    school.mark(7, session=TYPED_SESSION)
    visitor.page.get_by_label("Form").select_option("8A")
    visitor.page.get_by_label("Form").select_option("All forms")
    expect(visitor.page.get_by_role("row", name="Emmy Noether")).to_contain_text("Present")
    expect(visitor.page.get_by_role("row", name="Ada Lovelace")).to_contain_text("Not marked")


def test_whoever_types_a_session_and_scans_at_once_marks_in_that_one(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.page.clock.install()
    visitor.open(f"attendance?session={CAMERA_SESSION}")
    visitor.button("Start the camera").click()
    expect(visitor.button("Scan the class")).to_be_visible()
    # The clock stands: what is typed does not settle by itself.
    visitor.page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))
    visitor.page.get_by_label("Session number").fill(str(QUICK_SESSION))
    with visitor.page.expect_response("**/api/attendance/scan"):
        visitor.button("Scan the class").click()
    assert school.client.get(f"/api/attendance/{QUICK_SESSION}").json()["summary"]["present"] == 2


def test_the_register_follows_what_others_mark(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.page.clock.install()
    visitor.open(f"attendance?session={OTHERS_SESSION}")
    expect(visitor.page.get_by_role("row", name="Leonhard Euler")).to_contain_text("Not marked")
    school.mark(8, session=OTHERS_SESSION)
    visitor.page.clock.fast_forward(16_000)
    expect(visitor.page.get_by_role("row", name="Leonhard Euler")).to_contain_text("Present")


def test_a_picture_file_marks_who_is_in_it(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open(f"attendance?session={FILE_SESSION}")
    files = visitor.page.locator("input[type=file]")
    files.set_input_files({"name": "class.jpg", "mimeType": "image/jpeg", "buffer": picture(6, 50)})
    main = visitor.page.get_by_role("main")
    expect(main).to_contain_text("1 student seen")
    expect(main).to_contain_text("1 face is nobody's.")
    expect(visitor.page.get_by_role("row", name="Carl Gauss")).to_contain_text("Present")
    files.set_input_files({"name": "empty.jpg", "mimeType": "image/jpeg", "buffer": empty_picture()})
    expect(main).to_contain_text("No student was recognised.")
    files.set_input_files(
        {"name": "notes.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 no picture"}
    )
    expect(main).to_contain_text("notes.pdf is a PDF file.")


def test_the_list_is_taken_away_as_csv(school: School, visit: Visit, tmp_path: Path) -> None:
    visitor = visit(school)
    visitor.open(f"attendance?session={SESSION}&form=7B")
    expect(visitor.page.get_by_role("row", name="Carl Gauss")).to_be_visible()
    with visitor.page.expect_download() as download:
        visitor.button("Export as CSV").click()
    assert download.value.suggested_filename == f"attendance-{SESSION}.csv"
    download.value.save_as(tmp_path / "list.csv")
    rows = list(csv.reader(io.StringIO((tmp_path / "list.csv").read_text("utf-8-sig"))))
    assert len(rows) == 4
    assert [pupil.code for pupil in PUPILS if pupil.form == "7B"] == [cells[0] for cells in rows[1:]]
