"""The page Import: a CSV file and photos, how far it is, and what became of each row."""

import csv
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Download, Locator, expect

from tests.browser.conftest import OpenSchool, Visit
from tests.browser.school import School
from tests.browser.visitor import Visitor
from tests.packs import empty_picture, picture

PHONE: Final = {"viewport": {"width": 375, "height": 740}, "has_touch": True, "is_mobile": True}
Files = Mapping[str, bytes]


@pytest.fixture
def school(open_school: OpenSchool) -> School:
    """Empty each time: what one test enrols would be skipped by the next."""
    return open_school()


@pytest.fixture
def visitor(school: School, visit: Visit) -> Visitor:
    visitor = visit(school)
    visitor.open("import")
    return visitor


def csv_file(text: str, name: str = "people.csv") -> dict[str, Any]:
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


def zip_file(photos: Files) -> dict[str, Any]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in photos.items():
            file.writestr(name, content)
    return {"name": "photos.zip", "mimeType": "application/zip", "buffer": archive.getvalue()}


def photo_files(photos: Files) -> list[dict[str, Any]]:
    return [{"name": name, "mimeType": "image/jpeg", "buffer": content} for name, content in photos.items()]


def choose(visitor: Visitor, what: str, files: Any) -> None:
    visitor.page.get_by_label(what, exact=True).set_input_files(files)


def job(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("region", name="Import of")


def start(visitor: Visitor) -> None:
    visitor.button("Start the import").click()
    expect(job(visitor)).to_contain_text("Done")


def figures(visitor: Visitor) -> dict[str, str]:
    words = job(visitor).locator("dt").all_inner_texts()
    return dict(zip(words, job(visitor).locator("dd").all_inner_texts(), strict=True))


def rows(visitor: Visitor) -> Locator:
    return job(visitor).locator("tbody tr")


def report(download: Download, folder: Path) -> list[dict[str, str]]:
    download.save_as(folder / "report.csv")
    with (folder / "report.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_list_and_loose_photos_are_imported_with_a_result_for_each_row(
    visitor: Visitor, school: School, tmp_path: Path
) -> None:
    people = "code,name,photo\nI001,Ada Lovelace,ada.jpg\nI002,Alan Turing,nobody.jpg\nI003,Mary,gone.jpg\n"
    choose(visitor, "CSV file", csv_file(people))
    choose(visitor, "Photos", photo_files({"ada.jpg": picture(1), "nobody.jpg": empty_picture()}))
    expect(visitor.page.get_by_role("main").get_by_text("2 photos")).to_be_visible()
    start(visitor)
    assert figures(visitor) == {"enrolled": "1", "skipped": "0", "failed": "2", "with a warning": "0"}
    expect(rows(visitor)).to_have_count(2)
    expect(rows(visitor).filter(has_text="I002")).to_contain_text("No face was found in the photo.")
    expect(rows(visitor).filter(has_text="I003")).to_contain_text("gone.jpg")
    assert school.name_of(1) == "Ada Lovelace"
    with visitor.page.expect_download() as waited:
        visitor.button("Download the report", exact=True).click()
    assert [row["code"] for row in report(waited.value, tmp_path)] == ["I001", "I002", "I003"]


def test_a_zip_without_a_list_is_imported_by_its_names(visitor: Visitor, school: School) -> None:
    school.enrol(5, "I005", "Mary Somerville")
    choose(visitor, "Zip", zip_file({"I005.jpg": picture(6)}))
    visitor.button("Start the import").click()
    expect(rows(visitor)).to_contain_text("The person was enrolled already")
    assert school.faces_of("I005") == 1


def test_a_folder_is_imported_and_what_is_no_photo_left_out(
    visitor: Visitor, school: School, tmp_path: Path
) -> None:
    folder = tmp_path / "class 7A"
    for code, person in (("I007", 7), ("I008", 8)):
        (folder / code).mkdir(parents=True)
        (folder / code / "1.jpg").write_bytes(picture(person))
    (folder / "people.csv").write_text("name;code\nEmmy Noether;I007\nCarl Gauss;I008\n")
    (folder / "letter.docx").write_bytes(b"PK")
    (folder / ".DS_Store").write_bytes(b"")
    choose(visitor, "Folder", folder)
    expect(
        visitor.page.get_by_role("main").get_by_text("letter.docx: only JPEG, PNG and WebP photos are taken.")
    ).to_be_visible()
    start(visitor)
    assert figures(visitor)["enrolled"] == "2"
    assert school.name_of(8) == "Carl Gauss"


def test_a_dry_run_stores_nothing(visitor: Visitor, school: School) -> None:
    choose(visitor, "CSV file", csv_file("code,name\nI009,Ada Lovelace\n"))
    choose(visitor, "Photos", photo_files({"I009.jpg": picture(9)}))
    visitor.page.get_by_label("Dry run").check()
    start(visitor)
    assert figures(visitor)["would be enrolled"] == "1"
    assert school.faces_of("I009") == 0
    expect(visitor.page.get_by_label("Dry run")).not_to_be_checked()
    visitor.button("Start the import").click()
    expect(job(visitor).locator("dt", has_text="would be")).to_have_count(0)
    expect(job(visitor)).to_contain_text("Done")
    assert school.faces_of("I009") == 1


@pytest.mark.parametrize(
    ("people", "words"),
    [
        ("first,second\nI001,Ada\n", "code"),
        ("", "people.csv is empty."),
    ],
)
def test_a_wrong_list_is_told_before_anything_is_imported(visitor: Visitor, people: str, words: str) -> None:
    choose(visitor, "CSV file", csv_file(people))
    choose(visitor, "Photos", photo_files({"I001.jpg": picture(1)}))
    visitor.button("Start the import").click()
    notice = visitor.page.locator(".notice.bad")
    expect(notice).to_contain_text(words)
    expect(visitor.page.get_by_role("main").get_by_text("people.csv", exact=True)).to_be_visible()


def test_a_list_alone_is_not_enough(visitor: Visitor) -> None:
    choose(visitor, "CSV file", csv_file("code,name\nI001,Ada\n"))
    visitor.button("Start the import").click()
    expect(
        visitor.page.get_by_role("main").get_by_text("There are no photos yet.", exact=True)
    ).to_be_visible()


def test_a_zip_that_is_none_is_told(visitor: Visitor) -> None:
    choose(visitor, "Zip", {"name": "photos.zip", "mimeType": "application/zip", "buffer": b"no zip at all"})
    visitor.button("Start the import").click()
    expect(visitor.page.locator(".notice.bad")).to_contain_text("zip")


def test_an_upload_beyond_the_limit_is_told_with_what_to_do(open_school: OpenSchool, visit: Visit) -> None:
    visitor = visit(open_school(max_import_mb=1))
    visitor.open("import")
    choose(visitor, "Zip", zip_file({"I001.jpg": bytes(2 * 2**20)}))
    visitor.button("Start the import").click()
    expect(visitor.page.locator(".notice.bad")).to_contain_text("or raise MAX_IMPORT_MB.")


def test_too_many_photos_for_one_zip_are_told(visitor: Visitor) -> None:
    photos = """async () => {
        const { zip } = await import("/console/zip.js");
        const file = new File([], "a.jpg");
        const entries = Array.from({ length: 65_536 }, (_, n) => ({ name: `${n}.jpg`, file }));
        return zip(entries).catch((error) => error.message);
    }"""
    words = visitor.page.evaluate(photos)
    assert "at most 65,535 photos and 4 GB" in words
    assert "`rollcall import`" in words


def test_an_import_can_be_cancelled_and_is_listed(visitor: Visitor) -> None:
    photos = {f"I{n:03}.jpg": picture(n % 60) for n in range(600)}
    people = "code,name\n" + "".join(f"I{n:03},Pupil\n" for n in range(600))
    choose(visitor, "CSV file", csv_file(people))
    choose(visitor, "Photos", photo_files(photos))
    visitor.button("Start the import").click()
    expect(job(visitor)).to_contain_text("Running")
    visitor.button("Cancel the import").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Let it run").click()
    expect(job(visitor)).to_contain_text("Running")
    visitor.button("Cancel the import").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Cancel the import").click()
    expect(job(visitor)).to_contain_text("Cancelled")
    listed = visitor.page.get_by_role("region", name="Imports so far").locator("tbody tr")
    expect(listed).to_have_count(1)
    expect(listed).to_contain_text("Cancelled")
    assert int(figures(visitor)["enrolled"]) < 600


def test_an_import_goes_on_without_the_page_and_is_found_again(visitor: Visitor) -> None:
    choose(visitor, "CSV file", csv_file("code,name\nI020,Ada Lovelace\n"))
    choose(visitor, "Photos", photo_files({"I020.jpg": picture(20)}))
    visitor.button("Start the import").click()
    expect(job(visitor)).to_be_visible()
    visitor.page.get_by_role("link", name="Models").click()
    expect(visitor.heading("Models").first).to_be_visible()
    visitor.open("import")
    listed = visitor.page.get_by_role("region", name="Imports so far").locator("tbody tr")
    listed.get_by_role("button", name="Show").click()
    expect(job(visitor)).to_contain_text("Done")
    expect(job(visitor)).to_contain_text("Every row went well.")


@pytest.mark.parametrize("context", [{}, {"color_scheme": "dark"}, PHONE], ids=["light", "dark", "phone"])
def test_nothing_keeps_people_from_using_it(school: School, visit: Visit, context: dict[str, Any]) -> None:
    visitor = visit(school, **context)
    visitor.open("import")
    choose(visitor, "CSV file", csv_file("code,name,photo\nI021,Ada,a.jpg\nI022,Mary,gone.jpg\n"))
    choose(visitor, "Photos", photo_files({"a.jpg": picture(21)}))
    assert visitor.grave_findings() == []
    start(visitor)
    assert visitor.grave_findings() == []
    assert visitor.overhang() == 0
