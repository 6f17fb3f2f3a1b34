"""A list of people: a CSV file as Excel and others write it."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from rollcall.importing.header import Header, read_header, said_separator
from rollcall.importing.refusals import unusable

SAVE_AS_UTF8: Final = (
    'In Excel choose File, Save As, and the type "CSV UTF-8 (Comma delimited)"; in LibreOffice the character '
    "set Unicode (UTF-8)."
)
_BY_NAME: Final = "Name photos by their files; the pictures themselves cannot be in the list."
_IN_PARTS: Final = "Make several lists of it, and one import for each."
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
MAX_LIST_BYTES: Final = 64 * 1024 * 1024
MAX_LINES: Final = 100_000
_SEVERAL: Final = re.compile(r"[;|]")
_NOTHING: Final = ("null", "\\n")  # what databases export for no value


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the list. `photos` is empty where it names none; `surplus`: it has too many cells."""

    number: int
    code: str
    name: str
    photos: tuple[str, ...]
    surplus: bool = False


class PeopleList:
    """A CSV file, read line by line, as often as it is asked for."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def lines(self) -> Iterator[Line]:
        """All lines but the first and blank ones, as they are taken.

        Raises:
            InvalidRequest: it cannot be read; the message says what to do.
        """
        try:
            _require_list(self._file)
            with self._file.open(encoding="utf-8-sig", newline="") as file:
                yield from _lines(file)
        except UnicodeDecodeError:
            raise unusable("The CSV file is not saved as UTF-8.", SAVE_AS_UTF8) from None
        except OSError as error:
            raise unusable(f"The CSV file cannot be read: {error.strerror}.", "Check its name.") from None


def _require_list(file: Path) -> None:
    if file.stat().st_size > MAX_LIST_BYTES:
        raise unusable(f"The CSV file has more than {MAX_LIST_BYTES // 1024**2} MB.", _BY_NAME)
    with file.open("rb") as raw:
        start = raw.read(4096)
    if start.startswith(_UTF_16) or b"\0" in start:
        raise unusable("The CSV file is saved as UTF-16 and not as UTF-8.", SAVE_AS_UTF8)
    if start.startswith(b"PK\x03\x04"):
        raise unusable("The list is an Excel workbook and no CSV file.", SAVE_AS_UTF8)


def _lines(file: TextIO) -> Iterator[Line]:
    separator = said_separator(file.readline())
    before = 0 if separator is None else 1
    if separator is None:
        file.seek(0)
    began, taken = before + 1, 0
    try:
        header = read_header(file, separator)
        before += header.lines
        reader = csv.reader(file, delimiter=header.separator)
        began = before + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                taken += 1
                if taken > MAX_LINES:
                    raise unusable(f"The CSV file has more than {MAX_LINES:,} people.", _IN_PARTS)
                yield _line(header, began, cells)
            began = before + reader.line_num + 1
    except csv.Error:
        raise unusable(
            f"The CSV file cannot be read from line {began} on: a cell is longer than 128 kB, or a quotation "
            "mark is never closed.",
            _BY_NAME,
        ) from None


def _line(header: Header, number: int, cells: Sequence[str]) -> Line:
    def cell(place: int | None) -> str:
        return cells[place].strip() if place is not None and place < len(cells) else ""

    return Line(
        number=number,
        code=cell(header.code),
        name=cell(header.name),
        photos=_photos(cell(header.photo)),
        surplus=any(cell.strip() for cell in cells[header.columns :]),
    )


def _photos(cell: str) -> tuple[str, ...]:
    """Names, each once. One that holds a picture itself stays whole."""
    if cell.lower() in _NOTHING:
        return ()
    if cell.lower().startswith("data:"):
        return (cell,)
    names = (name.strip() for name in _SEVERAL.split(cell))
    return tuple(dict.fromkeys(name for name in names if name))
