"""The header line of a list: what separates its cells, and which column is which."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TextIO

from rollcall.importing.refusals import unusable

_SEPARATORS: Final = (",", ";", "\t")
_SAID: Final = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # Excel's own first line

_NAMES: Final = {
    "code": ("code", "studentcode", "teachercode", "personcode"),
    "name": ("name", "studentname", "teachername", "personname"),
    "photo": (
        *("photo", "photos", "studentphoto", "teacherphoto", "file", "filename"),
        *("image", "images", "studentimage", "teacherimage", "personimage"),
    ),
}
_MEANING: Final = {name: meaning for meaning, names in _NAMES.items() for name in names}
_NEEDED: Final = (
    "It needs a column code (or StudentCode, TeacherCode, person_code) and a column name (or StudentName, "
    "TeacherName, person_name), and may have a column photo (or photos, StudentImage, TeacherImage)."
)
_SHOWN: Final = 10  # of the columns that were found


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """`columns`: how many there are; the others are places among them, `photo` None where there is none.

    `lines`: how many it takes, for a cell may have line breaks.
    """

    separator: str
    lines: int
    columns: int
    code: int
    name: int
    photo: int | None


def said_separator(line: str) -> str | None:
    """The separator that Excel's line `sep=;` says; None for any other line."""
    found = _SAID.fullmatch(line.strip("\r\n"))
    return found[1] if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """The header as one of the separators makes it, and where the file goes on."""

    separator: str
    cells: Sequence[str]
    lines: int
    end: int


def read_header(file: TextIO, separator: str | None = None) -> Header:
    """Whatever the columns' order and case, and whichever of the separators they have; the file then goes on
    behind it.

    Raises:
        InvalidRequest: a column is missing, or there twice; the message names those that were found.
        csv.Error: a cell is longer than CSV files may have.
    """
    begin = file.tell()
    choices = [_cells(file, begin, choice) for choice in ([separator] if separator else _SEPARATORS)]
    # The one by which most columns are known; of several the one that makes more columns.
    best = max(choices, key=lambda choice: (_known(choice.cells), len(choice.cells)))
    file.seek(best.end)
    found = best.cells
    if any(cell.strip() for cell in found) and not _known(found):
        # It may be a person's line.
        raise unusable("The CSV file's first line names no column that is known.", _NEEDED)
    meanings = [_MEANING.get(_plain(cell)) for cell in found]
    for wanted in ("code", "name"):
        if wanted not in meanings:
            raise unusable(f"The CSV file's first line has {_told(found)}.", _NEEDED)
    for meaning in _NAMES:
        if meanings.count(meaning) > 1:
            raise unusable(
                f"The CSV file has several columns for the {meaning}: {_told(found)}.", "Keep one of them."
            )
    return Header(
        separator=best.separator,
        lines=best.lines,
        columns=len(found),
        code=meanings.index("code"),
        name=meanings.index("name"),
        photo=meanings.index("photo") if "photo" in meanings else None,
    )


def _cells(file: TextIO, begin: int, separator: str) -> _Cells:
    file.seek(begin)
    # By readline, without which a file cannot tell where it is.
    reader = csv.reader(iter(file.readline, ""), delimiter=separator)
    cells = next(reader, [])
    return _Cells(separator=separator, cells=cells, lines=reader.line_num, end=file.tell())


def _plain(cell: str) -> str:
    """`Student_Code ` → `studentcode`."""
    return re.sub(r"[\s_-]", "", cell).lower()


def _known(cells: Sequence[str]) -> int:
    return sum(_plain(cell) in _MEANING for cell in cells)


def _told(cells: Sequence[str]) -> str:
    names = [" ".join(cell.split())[:40] for cell in cells if cell.strip()]
    if not names:
        return "no columns"
    more = ", ..." if len(names) > _SHOWN else ""
    return f"the columns {', '.join(names[:_SHOWN])}{more}"
