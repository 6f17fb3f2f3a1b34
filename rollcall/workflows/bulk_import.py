"""Enrol a folder of photos from a list of people."""

import csv
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from rollcall.core.errors import InvalidRequest, RollcallError
from rollcall.core.people import MAX_NAME_LENGTH, PersonKey, PersonType
from rollcall.workflows.enroll import Enroll, Enrolled, Enrollment, EnrollMode

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedPhoto:
    """What became of one photo, or of a line without one (`photo` is None)."""

    code: str
    photo: Path | None
    outcome: Enrolled | RollcallError


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the list."""

    number: int
    code: str
    name: str


def read_list(csv_file: Path) -> list[Line]:
    """Read a CSV file with a header line that has the columns `code` and `name`.

    Raises:
        InvalidRequest: the file cannot be read, is not UTF-8, or lacks a column.
    """
    try:
        with csv_file.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            header = [column.strip().lower() for column in reader.fieldnames or ()]
            if not {"code", "name"} <= set(header):
                raise InvalidRequest(
                    'The first line of the CSV file must name the columns "code" and "name".'
                )
            reader.fieldnames = header
            return [
                Line(
                    number=reader.line_num,
                    code=(row["code"] or "").strip(),
                    name=(row["name"] or "").strip(),
                )
                for row in reader
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidRequest(f"The CSV file cannot be read: {type(error).__name__}.") from error


def photos_of(folder: Path, code: str) -> list[Path]:
    """`<code>.jpg` in the folder, and every picture in its subfolder `<code>`, in order of their names."""

    def pictures() -> Iterator[Path]:
        for entry in folder.iterdir():
            if entry.is_file() and entry.stem.lower() == code.lower():
                yield entry
            elif entry.is_dir() and entry.name.lower() == code.lower():
                yield from entry.iterdir()

    return sorted(path for path in pictures() if path.suffix.lower() in PHOTO_SUFFIXES)


class BulkImport:
    """Enrols every photo of every person of a list. A code that was enrolled before is left alone."""

    def __init__(self, *, enroll: Enroll) -> None:
        self._enroll = enroll

    async def run(
        self, people: list[Line], folder: Path, person_type: PersonType
    ) -> AsyncIterator[ImportedPhoto]:
        """One result a photo, as they come. A line without a photo is a result too."""
        for line in people:
            try:
                person = PersonKey(type=person_type, code=line.code)
                if not 1 <= len(line.name) <= MAX_NAME_LENGTH:
                    raise InvalidRequest(f"The name must have 1 to {MAX_NAME_LENGTH} characters.")
                photos = photos_of(folder, person.code)
                if not photos:
                    raise InvalidRequest("There is no photo of this code.")
            except RollcallError as error:
                yield ImportedPhoto(code=line.code, photo=None, outcome=error)
                continue
            # The first photo decides whether the person is new; further photos of the list are added to it.
            mode = EnrollMode.REJECT
            for photo in photos:
                outcome = await self._import(photo, person, line.name, mode)
                if isinstance(outcome, Enrolled):
                    mode = EnrollMode.ADD
                yield ImportedPhoto(code=line.code, photo=photo, outcome=outcome)

    async def _import(
        self, photo: Path, person: PersonKey, name: str, mode: EnrollMode
    ) -> Enrolled | RollcallError:
        try:
            picture = photo.read_bytes()
        except OSError as error:
            return InvalidRequest(f"The photo cannot be read: {type(error).__name__}.")
        try:
            return await self._enroll.one(
                Enrollment(person=person, name=name, picture=picture, original_name=photo.name, mode=mode)
            )
        except RollcallError as error:
            return error
