import csv
import io

import pytest

from rollcall.core.spreadsheets import BOM, csv_text, harmless_cell

FORMULA = "=HYPERLINK(1)"


@pytest.mark.parametrize("text", ["", "S001", "Ada Lovelace", "a+b", "x=1", "Jean-Luc", "a@b.example", "7A"])
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert harmless_cell(text) == text


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        (" =1", "' =1"),
        ("\N{FULLWIDTH EQUALS SIGN}1", "'\N{FULLWIDTH EQUALS SIGN}1"),
        ('"=1"', '\'"=1"'),
        ("a;=1", "a;'=1"),
        ("a,\n=1", "a,'\n=1"),
        ("a\r=1", "a\r'=1"),
    ],
)
def test_a_formula_gets_an_apostrophe(text: str, harmless: str) -> None:
    assert harmless_cell(text) == harmless


def test_a_file_has_a_mark_a_header_and_its_rows() -> None:
    text = csv_text(["code", "name"], [["S1", 'Anna "Ann", 7A\nb'], ["S2", None], [FORMULA, "x"]])
    assert text.startswith(BOM)
    assert list(csv.reader(io.StringIO(text.removeprefix(BOM)))) == [
        ["code", "name"],
        ["S1", 'Anna "Ann", 7A\nb'],
        ["S2", ""],
        ["'" + FORMULA, "x"],
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_cell_is_a_formula_whatever_the_separator_is(separator: str) -> None:
    names = [FORMULA, f"x;{FORMULA}", f"x\t{FORMULA}", f'x",{FORMULA}', f"x\n{FORMULA}", f'x;"{FORMULA}"']
    text = csv_text(["code", "name"], [["S1", name] for name in names])
    cells = [cell for row in csv.reader(io.StringIO(text), delimiter=separator) for cell in row]
    assert len(cells) >= len(names)
    assert not [cell for cell in cells if cell.strip(" \t\"'\r\n")[:1] == "=" and cell[:1] != "'"]
