"""What an archive of a backup holds, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

# A value as the database has it. Dates and decimals are the database's own text where it has such types.
Cell: TypeAlias = int | float | str | bytes | None
Row: TypeAlias = tuple[Cell, ...]
Columns: TypeAlias = tuple[str, ...]


class Section(StrEnum):
    """One table in an archive. In this order, because embeddings follow their faces."""

    STUDENTS = "students"
    TEACHERS = "teachers"
    FACES = "faces"
    EMBEDDINGS = "embeddings"
    CALIBRATIONS = "calibrations"
    SETTINGS = "settings"
    ATTENDANCE = "attendance"
    LOGS = "logs"


PEOPLE: Final = (Section.STUDENTS, Section.TEACHERS)
# These have a name as their key; all others have an Id.
NAMED: Final = (Section.CALIBRATIONS, Section.SETTINGS)


def _person(name: str, group: str) -> Columns:
    names = (f"{name}Code", f"{name}Nickname", f"{name}Name")
    return ("Id", *names, "EmailAddress", "Campus", group, "CreatedDate", f"{name}Image")


# The first column is the key. A picture, where there is one, is the last.
ALL_COLUMNS: Final[Mapping[Section, Columns]] = {
    Section.STUDENTS: _person("Student", "Form"),
    Section.TEACHERS: _person("Teacher", "Department"),
    Section.FACES: (
        *("Id", "PersonType", "PersonCode", "FaceDescriptor", "OriginalName", "ContentType"),
        *("CreatedDate", "ImageData"),
    ),
    Section.EMBEDDINGS: ("Id", "FaceId", "Model", "Vector", "Problem", "CreatedDate"),
    Section.CALIBRATIONS: (
        *("Model", "Midpoint", "Slope", "OperatingPoint", "SamePairs", "DifferentPairs"),
        "CreatedDate",
    ),
    Section.SETTINGS: ("Name", "Value", "ChangedDate"),
    Section.ATTENDANCE: ("Id", "SessionId", "StudentCode", "Status", "AttendanceDate", "CreatedDate"),
    Section.LOGS: (
        *("Id", "PersonCode", "PersonType", "Confidence", "ProcessingTimeMs", "SourceImageName"),
        *("RecognitionDate", "Success"),
    ),
}
# A shared setting that says what goes on in the database at this moment: after a restore nothing of it does.
MOMENTARY_SETTINGS: Final = ("next_model",)
PICTURED: Final = (Section.STUDENTS, Section.TEACHERS, Section.FACES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What an archive holds besides people, faces, embeddings, calibrations and settings."""

    images: bool = False
    attendance: bool = False
    logs: bool = False

    @property
    def sections(self) -> tuple[Section, ...]:
        left_out = {Section.ATTENDANCE: not self.attendance, Section.LOGS: not self.logs}
        return tuple(section for section in Section if not left_out.get(section))

    def columns(self, section: Section) -> Columns:
        columns = ALL_COLUMNS[section]
        return columns[:-1] if section in PICTURED and not self.images else columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some rows of one section, in the order of their keys; each row has a cell for each of the columns."""

    section: Section
    columns: Columns
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file within an archive: its rows, its size in bytes and their SHA-256, in hexadecimal digits."""

    name: str
    section: Section
    rows: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an archive comes from: when, by which version of Rollcall, and from which kind of database."""

    created: datetime
    version: str
    database: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an archive says of itself, at its end."""

    origin: Origin
    contents: Contents
    parts: tuple[Part, ...]

    @property
    def counts(self) -> dict[Section, int]:
        """How many rows there are of each section that the archive holds."""
        counts = dict.fromkeys(self.contents.sections, 0)
        for part in self.parts:
            counts[part.section] += part.rows
        return counts
