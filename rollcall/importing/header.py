"""The header line of a list: what separates its cells, and which column is which."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

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
    """`columns`: how many there are; the others are places among them, `photo` None where there is none."""

    separator: str
    columns: int
    code: int
    name: int
    photo: int | None


def said_separator(line: str) -> str | None:
    """The separator that Excel's line `sep=;` says; None for any other line."""
    found = _SAID.fullmatch(line.strip("\r\n"))
    return found[1] if found else None


def read_header(line: str, separator: str | None = None) -> Header:
    """Whatever the columns' order and case, and whichever of the separators they have.

    Raises:
        InvalidRequest: a column is missing, or there twice; the message names those that were found.
    """
    choices = [separator] if separator else _SEPARATORS
    cells = {choice: _cells(line, choice) for choice in choices}
    # The one by which most columns are known; of several the one that makes more columns.
    best = max(choices, key=lambda choice: (_known(cells[choice]), len(cells[choice])))
    found = cells[best]
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
        separator=best,
        columns=len(found),
        code=meanings.index("code"),
        name=meanings.index("name"),
        photo=meanings.index("photo") if "photo" in meanings else None,
    )


def _cells(line: str, separator: str) -> Sequence[str]:
    return next(csv.reader([line], delimiter=separator), [])


def _plain(cell: str) -> str:
    """`Student_Code ` → `studentcode`."""
    return re.sub(r"[\s_-]", "", cell).lower()


def _known(cells: Sequence[str]) -> int:
    return sum(_plain(cell) in _MEANING for cell in cells)


def _told(cells: Sequence[str]) -> str:
    names = [cell.strip()[:40] for cell in cells if cell.strip()]
    if not names:
        return "no columns"
    more = ", ..." if len(names) > _SHOWN else ""
    return f"the columns {', '.join(names[:_SHOWN])}{more}"
