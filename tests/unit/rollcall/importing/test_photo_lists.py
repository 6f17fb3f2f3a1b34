"""A list and a folder of photos together."""

from pathlib import Path

import pytest

from rollcall.core.imports import ListedPerson, RowOutcome
from rollcall.importing.photo_lists import in_folder


def people(folder: Path, text: str | None, *photos: str) -> list[ListedPerson]:
    for name in photos:
        path = folder / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    (folder / "people.csv").write_text(text or "")
    return list(in_folder(folder / "people.csv" if text else None, folder / "photos").people())


def codes(people: list[ListedPerson]) -> list[str | None]:
    return [person.trouble.code if person.trouble else None for person in people]


def test_photos_come_from_the_column_or_from_the_code(tmp_path: Path) -> None:
    text = "code,name,photo\nS1,Ada,x.jpg|y.jpg\nS2,Grace,\nS3,Mary,none.jpg\nS4,Jane,\n"
    found = people(tmp_path, text, "x.jpg", "S1.jpg", "S2.jpg", "S2/b.jpg")
    assert [person.photos for person in found] == [
        ("x.jpg", "y.jpg"),
        ("S2.jpg", "S2/b.jpg"),
        ("none.jpg",),
        (),
    ]
    assert [person.rows for person in found] == [2, 2, 1, 1]


def test_a_code_that_comes_again_is_told_with_the_line_that_has_it(tmp_path: Path) -> None:
    found = people(tmp_path, "code,name\nS1,Ada\nS2,Grace\ns1 ,Ada again\nS1,And again\n", "S1.jpg")
    assert codes(found) == [None, None, "DUPLICATE_LINE", "DUPLICATE_LINE"]
    assert [person.outcome for person in found[2:]] == [RowOutcome.DUPLICATE] * 2
    assert all(person.trouble and "Line 2" in person.trouble.reason for person in found[2:])


def test_a_line_without_a_code_or_with_too_many_cells_is_told(tmp_path: Path) -> None:
    found = people(tmp_path, "code;name;photo\n;Ada;a.jpg\nS2;Grace;b.jpg;c.jpg\n;Mary;\n", "a.jpg")
    assert codes(found) == ["CODE_MISSING", "TOO_MANY_CELLS", "CODE_MISSING"]


def test_without_a_list_everybody_is_told_by_the_names(tmp_path: Path) -> None:
    found = people(tmp_path, None, "S2/b.jpg", "S1.jpg", "S2/a.jpg")
    assert [(person.line, person.code, person.name, person.photos) for person in found] == [
        (None, "S1", "", ("S1.jpg",)),
        (None, "S2", "", ("S2/a.jpg", "S2/b.jpg")),
    ]


@pytest.mark.parametrize("round", [1, 2])
def test_a_list_can_be_read_again(tmp_path: Path, round: int) -> None:
    people(tmp_path, "code,name\nS1,Ada\n", "S1.jpg")
    photos = in_folder(tmp_path / "people.csv", tmp_path / "photos")
    for _ in range(round):
        assert [person.code for person in photos.people()] == ["S1"]
