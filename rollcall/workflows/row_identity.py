"""When a row of an archive and a row of the database are the same."""

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, TypeAlias

from rollcall.core.backup import ALL_COLUMNS, PICTURED, Cell, Columns, Section
from rollcall.core.people import fold_code
from rollcall.workflows.row_index import key_of

Named: TypeAlias = Mapping[str, Cell]  # a row's cells by their columns

_NO_DESCRIPTOR: Final = ("", b"")
_DATE: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d)(?:\.\d+)?)?")
_PLACES: Final = Decimal("0.0001")  # of a confidence in MySQL


def identity_columns(section: Section) -> Columns:
    """What `keys_of` needs of a row; never a picture."""
    columns = ALL_COLUMNS[section]
    if section is Section.EMBEDDINGS:
        return ("Id", "FaceId", "Model")
    return columns[:-1] if section in PICTURED else columns


def keys_of(section: Section, row: Named) -> tuple[int, ...]:
    """The row's keys. Two rows that share one are the same; the first counts most.

    A face's first key has its Id. The second is for a row that an earlier restore had to give another.
    """
    return _KEYS[section](row)


def _person(prefix: str) -> Callable[[Named], tuple[int, ...]]:
    def keys(row: Named) -> tuple[int, ...]:
        code = _folded(row[f"{prefix}Code"])
        if code:
            return (key_of("code", code),)
        # Nobody's row: the same if all of it is.
        return (key_of("row", *(cell for name, cell in row.items() if name not in ("Id", f"{prefix}Image"))),)

    return keys


def _face(row: Named) -> tuple[int, ...]:
    person = (_folded(row["PersonType"]), _folded(row["PersonCode"]))
    descriptor = row["FaceDescriptor"]
    if descriptor is not None and descriptor not in _NO_DESCRIPTOR:
        same = key_of("descriptor", *person, descriptor)
        return key_of("id", row["Id"], same), same
    told = (row["OriginalName"], row["ContentType"], _moment(row["CreatedDate"]))
    return key_of("id", row["Id"], *person), key_of("told", *person, *told)


def _embedding(row: Named) -> tuple[int, ...]:
    return (key_of(row["FaceId"], row["Model"]),)


def _attendance(row: Named) -> tuple[int, ...]:
    return (key_of(row["SessionId"], _folded(row["StudentCode"])),)


def _attempt(row: Named) -> tuple[int, ...]:
    return (
        key_of(
            _folded(row["PersonCode"]),
            _folded(row["PersonType"]),
            _rounded(row["Confidence"]),
            row["ProcessingTimeMs"],
            row["SourceImageName"],
            _moment(row["RecognitionDate"]),
            row["Success"],
        ),
    )


_KEYS: Final[Mapping[Section, Callable[[Named], tuple[int, ...]]]] = {
    Section.STUDENTS: _person("Student"),
    Section.TEACHERS: _person("Teacher"),
    Section.FACES: _face,
    Section.EMBEDDINGS: _embedding,
    Section.CALIBRATIONS: lambda row: (key_of(row["Model"]),),
    Section.SETTINGS: lambda row: (key_of(row["Name"]),),
    Section.ATTENDANCE: _attendance,
    Section.LOGS: _attempt,
}


def _folded(cell: Cell) -> Cell:
    return fold_code(cell) if isinstance(cell, str) else cell


def _moment(cell: Cell) -> Cell:
    """A date as MySQL has it, without a fraction. SQLite has what it was given."""
    found = _DATE.fullmatch(cell) if isinstance(cell, str) else None
    return f"{found[1]} {found[2] or '00:00:00'}" if found else cell


def _rounded(cell: Cell) -> Cell:
    """A confidence as MySQL rounds it. MySQL has decimals, which come as text; SQLite has floats."""
    try:
        return cell if cell is None else str(Decimal(str(cell)).quantize(_PLACES, ROUND_HALF_UP))
    except ArithmeticError:
        return cell
