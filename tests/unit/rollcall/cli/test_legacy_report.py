"""The CSV of what became of the old server's rows."""

import csv
from pathlib import Path

from rollcall.cli.legacy_report import written_whole
from rollcall.core.legacy import Outcome, RowReport


def test_a_code_that_a_spreadsheet_would_carry_out_is_made_harmless(tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    formula = '=HYPERLINK("http://example.org")'
    with written_whole(file) as write:
        write(RowReport(face_id=1, type="student", code=formula, outcome=Outcome.NO_MATCH, similarity=-0.5))
    with file.open(encoding="utf-8", newline="") as lines:
        [row] = csv.DictReader(lines)
    assert row["person_code"] == f"'{formula}"
    # A number is none, whatever it begins with.
    assert (row["similarity"], row["outcome"]) == ("-0.5000", Outcome.NO_MATCH)
