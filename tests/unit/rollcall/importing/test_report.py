"""The report, as a spreadsheet reads it."""

import csv
import io
import stat
from pathlib import Path

import pytest

from rollcall.core.errors import InvalidRequest
from rollcall.core.imports import ImportedRow, RowOutcome, Trouble
from rollcall.importing.report import COLUMNS, CsvReport, report_file


def row(code: str = "S1", name: str = "Ada", photo: str | None = "a.jpg") -> ImportedRow:
    return ImportedRow(
        line=2,
        code=code,
        name=name,
        photo=photo,
        outcome=RowOutcome.FAILED,
        trouble=Trouble(code="NO_FACE_DETECTED", reason="No face.", what_to_do="Take another, larger one."),
    )


def read(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_a_row_says_what_became_of_it_and_what_to_do() -> None:
    content = CsvReport().head() + CsvReport().lines([row(name="Löwe, Ada")])
    assert content.startswith(b"\xef\xbb\xbfline,code,name")
    [found] = read(content)
    assert tuple(found) == COLUMNS
    assert found == {
        "line": "2",
        "code": "S1",
        "name": "Löwe, Ada",
        "photo": "a.jpg",
        "outcome": "failed",
        "error_code": "NO_FACE_DETECTED",
        "reason": "No face.",
        "what_to_do": "Take another, larger one.",
        "same_face_as": "",
    }


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_formula_is_made_harmless(cell: str) -> None:
    [found] = read(CsvReport().head() + CsvReport().lines([row(code=cell, name=cell, photo=cell)]))
    assert [found[name] for name in ("code", "name", "photo")] == [f"'{cell}"] * 3


def test_a_name_that_is_no_unicode_can_be_written() -> None:
    assert b"\\udcff.jpg" in CsvReport().lines([row(photo="\udcff.jpg")])


def test_the_file_grows_row_by_row_and_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    with report_file(file) as report:
        assert read(file.read_bytes()) == []
        report.add([row(), row("S2")])
        assert [found["code"] for found in read(file.read_bytes())] == ["S1", "S2"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="--report"), report_file(tmp_path / "none" / "report.csv"):
        raise AssertionError


def test_the_report_of_the_run_before_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    for code in ("S1", "S2", "S3"):
        with report_file(file) as report:
            report.add([row(code)])
    assert [found["code"] for found in read(file.read_bytes())] == ["S3"]
    assert [found["code"] for found in read((tmp_path / "report-before.csv").read_bytes())] == ["S2"]
    assert len(list(tmp_path.iterdir())) == 2
