"""Lists as Excel, LibreOffice and old exports write them."""

from pathlib import Path

import pytest

from rollcall.core.errors import InvalidRequest
from rollcall.importing.people_list import MAX_LINES, MAX_LIST_BYTES, Line, PeopleList


def read(folder: Path, content: str | bytes) -> list[Line]:
    file = folder / "people.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(PeopleList(file).lines())


def refused(folder: Path, content: str | bytes) -> str:
    with pytest.raises(InvalidRequest) as caught:
        read(folder, content)
    assert str(caught.value.details["suggestion"]) in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_boms_and_line_ends_do_not_matter(
    tmp_path: Path, separator: str, bom: str, end: str
) -> None:
    lines = [["code", "name", "photo"], ["S1", "Ada Löwe", "a.jpg"], ["S2", "Žofie", "b.jpg|c.jpg"]]
    text = bom + "".join(separator.join(cells) + end for cells in lines)
    assert read(tmp_path, text) == [
        Line(number=2, code="S1", name="Ada Löwe", photos=("a.jpg",)),
        Line(number=3, code="S2", name="Žofie", photos=("b.jpg", "c.jpg")),
    ]


@pytest.mark.parametrize(
    "header",
    [
        "code,name,photo",
        "Code, NAME ,Photos",
        "StudentCode,StudentName,StudentImage",
        "TeacherCode,TeacherName,TeacherImage",
        "person_code,person_name,image",
        "student code,Student Name,student-photo",
    ],
)
def test_columns_are_known_by_old_names_and_in_any_case(tmp_path: Path, header: str) -> None:
    assert read(tmp_path, f"{header}\nS1,Ada,a.jpg\n") == [
        Line(number=2, code="S1", name="Ada", photos=("a.jpg",))
    ]


def test_columns_come_in_any_order_and_others_are_left_out(tmp_path: Path) -> None:
    text = "Id;StudentName;Campus;StudentImage;StudentCode\n7;Ada;North;a.jpg;S1\n"
    assert read(tmp_path, text) == [Line(number=2, code="S1", name="Ada", photos=("a.jpg",))]


def test_a_photo_column_is_not_needed(tmp_path: Path) -> None:
    assert read(tmp_path, "name,code\nAda,S1\n") == [Line(number=2, code="S1", name="Ada", photos=())]


def test_a_quoted_cell_may_hold_separators_quotes_and_line_breaks(tmp_path: Path) -> None:
    text = 'code;name;photo\r\nS1;"Ada ""Countess""; of\r\nLovelace";"a.jpg;b.jpg"\r\nS2;Grace;c.jpg\r\n'
    first, second = read(tmp_path, text)
    assert first.name == 'Ada "Countess"; of\r\nLovelace'
    assert first.photos == ("a.jpg", "b.jpg")
    assert (first.number, second.number) == (2, 4)


def test_a_line_with_too_many_cells_is_noticed(tmp_path: Path) -> None:
    text = "code;name;photo\nS1;Ada;a.jpg;b.jpg\nS2;Grace;c.jpg;;\n"
    assert [line.surplus for line in read(tmp_path, text)] == [True, False]


def test_a_line_with_too_few_cells_lacks_what_they_would_be(tmp_path: Path) -> None:
    assert read(tmp_path, "code,name,photo\nS1\n") == [Line(number=2, code="S1", name="", photos=())]


def test_blank_lines_are_left_out_and_counted(tmp_path: Path) -> None:
    lines = read(tmp_path, "code,name\n\n,\n  , \nS1,Ada\n\n")
    assert [(line.number, line.code) for line in lines] == [(5, "S1")]


def test_excels_own_word_about_the_separator_counts(tmp_path: Path) -> None:
    assert read(tmp_path, "sep=;\r\ncode;name\r\nS1;Ada, Countess\r\n") == [
        Line(number=3, code="S1", name="Ada, Countess", photos=())
    ]


def test_the_separator_is_the_one_that_makes_known_columns(tmp_path: Path) -> None:
    assert read(tmp_path, "code;name;a,b,c\nS1;Ada;x\n")[0].name == "Ada"


def test_what_databases_export_for_nothing_names_no_photo(tmp_path: Path) -> None:
    lines = read(tmp_path, "code,name,photo\nS1,Ada,NULL\nS2,Grace,\\N\nS3,Mary, ; |\n")
    assert [line.photos for line in lines] == [(), (), ()]


def test_a_photo_that_is_named_twice_is_one(tmp_path: Path) -> None:
    assert read(tmp_path, "code,name,photo\nS1,Ada,a.jpg | a.jpg\n")[0].photos == ("a.jpg",)


def test_a_picture_in_the_cell_stays_whole(tmp_path: Path) -> None:
    line = read(tmp_path, 'code,name,photo\nS1,Ada,"data:image/jpeg;base64,/9j/4AAQ"\n')[0]
    assert line.photos == ("data:image/jpeg;base64,/9j/4AAQ",)


def test_wrong_columns_are_named_with_those_that_are_needed(tmp_path: Path) -> None:
    message = refused(tmp_path, "Code;Vorname;Foto\n1;Ada;a.jpg\n")
    assert "the columns Code, Vorname, Foto" in message
    assert "column code" in message
    assert "StudentName" in message
    assert "column name" in refused(tmp_path, "code\nS1\n")


def test_a_list_without_a_first_line_of_names_is_told_without_a_persons(tmp_path: Path) -> None:
    message = refused(tmp_path, "S001;Ada Lovelace;a.jpg\nS002;Grace Hopper;b.jpg\n")
    assert "names no column that is known" in message
    assert "column code" in message
    assert "Ada" not in message


@pytest.mark.parametrize("before", ["", "\ufeff", "sep=;\r\n", "\ufeffsep=;\r\n"])
def test_a_column_may_have_a_line_break_in_its_name(tmp_path: Path, before: str) -> None:
    text = before + 'Ort;"Student\nCode";"Student\r\nName"\r\nX;S1;Žofie\r\nX;S2;Ada\r\n'
    first, second = read(tmp_path, text)
    assert (first.code, first.name, second.code) == ("S1", "Žofie", "S2")
    number = 4 if "sep" not in before else 5
    assert (first.number, second.number) == (number, number + 1)


def test_a_first_line_that_is_too_long_is_told(tmp_path: Path) -> None:
    assert "from line 1 on" in refused(tmp_path, f"code,name,{'x' * 200_000}\nS1,Ada,a.jpg\n")


def test_a_list_that_is_too_large_is_told(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    with file.open("wb") as made:
        made.write(b"code,name\n")
        made.truncate(MAX_LIST_BYTES + 1)
    with pytest.raises(InvalidRequest, match="more than 64 MB"):
        next(PeopleList(file).lines())


def test_a_list_of_too_many_people_is_told(tmp_path: Path) -> None:
    assert "more than 100,000 people" in refused(tmp_path, "code,name\n" + "S,A\n" * (MAX_LINES + 1))


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    assert "several columns for the photo" in refused(tmp_path, "code,name,photo,StudentImage\n")


def test_an_empty_file_has_no_columns(tmp_path: Path) -> None:
    assert "no columns" in refused(tmp_path, "")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_with_the_way_out(tmp_path: Path, encoding: str) -> None:
    message = refused(tmp_path, "code\tname\nS1\tAda\n".encode(encoding))
    assert "UTF-16" in message
    assert "CSV UTF-8 (Comma delimited)" in message


def test_latin_1_is_refused_with_the_way_out_however_late_it_shows(tmp_path: Path) -> None:
    text = "code,name\n" + "".join(f"S{i},Ada\n" for i in range(5000)) + "S9,Löwe\n"
    assert "CSV UTF-8 (Comma delimited)" in refused(tmp_path, text.encode("latin-1"))


def test_a_workbook_is_refused_with_the_way_out(tmp_path: Path) -> None:
    assert "Excel workbook" in refused(tmp_path, b"PK\x03\x04 the rest of it")


def test_a_picture_as_base64_is_refused_with_its_line(tmp_path: Path) -> None:
    message = refused(tmp_path, f"code,name,photo\nS1,Ada,a.jpg\nS2,Grace,{'A' * 200_000}\n")
    assert "from line 3 on" in message
    assert "Name photos by their files" in message


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read"):
        list(PeopleList(tmp_path / "none.csv").lines())
