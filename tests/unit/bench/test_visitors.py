"""The people of a load test."""

import io
from pathlib import Path

import pytest
from PIL import Image

from bench.visitors import (
    MAX_PICTURES,
    PICTURE_SIZE,
    Cast,
    NoVisitors,
    Visitor,
    drawn_visitors,
    empty_room,
    visitors_of,
)
from rollcall.core.people import MAX_CODE_LENGTH
from tests.packs import picture


def write(path: Path, person: int, size: tuple[int, int] = (640, 480)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture(person, size=size))
    return path


def size_of(encoded: bytes) -> tuple[str | None, tuple[int, int]]:
    with Image.open(io.BytesIO(encoded)) as image:
        return image.format, image.size


def test_each_folder_is_a_person(tmp_path: Path) -> None:
    for person in range(3):
        write(tmp_path / f"P{person}" / "1.jpg", person)
        write(tmp_path / f"P{person}" / "2.PNG", person)
        (tmp_path / f"P{person}" / "notes.txt").write_text("no picture")
    (tmp_path / "empty").mkdir()
    assert [len(visitor.pictures) for visitor in visitors_of(tmp_path)] == [2, 2, 2]


def test_each_picture_is_a_person_where_there_are_no_folders(tmp_path: Path) -> None:
    for person in range(3):
        write(tmp_path / f"{person}.jpg", person)
    assert len({visitor.mark for visitor in visitors_of(tmp_path)}) == 3


def test_a_person_hands_in_a_few_pictures(tmp_path: Path) -> None:
    for number in range(MAX_PICTURES + 3):
        write(tmp_path / "P0" / f"{number}.jpg", number)
    [visitor] = visitors_of(tmp_path)
    assert len(visitor.pictures) == MAX_PICTURES


@pytest.mark.parametrize("size", [(640, 480), (480, 900), (3000, 2000)])
def test_pictures_are_fitted_as_a_camera_sends_them(tmp_path: Path, size: tuple[int, int]) -> None:
    write(tmp_path / "0.jpg", 0, size=size)
    [visitor] = visitors_of(tmp_path)
    assert size_of(visitor.pictures[0]) == ("JPEG", PICTURE_SIZE)


def test_a_picture_of_the_right_size_is_sent_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "0.jpg", 0, size=PICTURE_SIZE)
    [visitor] = visitors_of(tmp_path)
    assert visitor.pictures[0] == path.read_bytes()


def test_the_same_pictures_have_the_same_code_in_each_run(tmp_path: Path) -> None:
    write(tmp_path / "one" / "0.jpg", 0)
    write(tmp_path / "two" / "0.jpg", 0)
    [first], [second] = visitors_of(tmp_path / "one"), visitors_of(tmp_path / "two")
    assert first.code == second.code


def test_codes_fit_into_the_database() -> None:
    visitor = Visitor(mark="LAAAAA", pictures=())
    assert visitor.code == "LAAAAA0000"
    assert len(visitor.double(9999)) <= MAX_CODE_LENGTH


def test_a_folder_without_pictures_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoVisitors, match="has no pictures"):
        visitors_of(tmp_path)
    with pytest.raises(NoVisitors, match="There is no folder"):
        visitors_of(tmp_path / "missing")


def test_a_picture_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "0.jpg").write_bytes(b"no picture")
    with pytest.raises(NoVisitors, match="cannot be read"):
        visitors_of(tmp_path)


@pytest.mark.parametrize(("people", "shares"), [(3, (1, 1, 1)), (9, (6, 2, 1)), (40, (25, 10, 5))])
def test_everybody_has_one_part(people: int, shares: tuple[int, int, int]) -> None:
    visitors = [Visitor(mark=f"L{number:05}", pictures=()) for number in range(people)]
    cast = Cast.of(visitors)
    assert (len(cast.students), len(cast.teachers), len(cast.newcomers)) == shares
    assert {one.mark for one in (*cast.students, *cast.teachers, *cast.newcomers)} == {
        visitor.mark for visitor in visitors
    }


def test_two_people_are_too_few() -> None:
    with pytest.raises(NoVisitors, match="show 2 people"):
        Cast.of([Visitor(mark="LAAAAA", pictures=()), Visitor(mark="LBBBBB", pictures=())])


def test_without_photographs_there_are_enough_drawn_people() -> None:
    drawn = drawn_visitors()
    assert Cast.of(drawn).students
    assert all(size_of(picture) == ("JPEG", PICTURE_SIZE) for one in drawn for picture in one.pictures)


def test_the_empty_room_is_a_picture_too() -> None:
    assert size_of(empty_room()) == ("JPEG", PICTURE_SIZE)
