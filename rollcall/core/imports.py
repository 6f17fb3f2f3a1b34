"""Bulk import: the list of people, what becomes of each photo, and the Protocols of both."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import NewFace

MAX_PHOTO_BYTES: Final = 10 * 1024 * 1024
PHOTO_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp")


class ImportMode(StrEnum):
    """What to do with people who have faces, none of which came from a photo of the list."""

    REJECT = "reject"  # they are left alone
    ADD = "add"
    REPLACE = "replace"  # their faces go when the first face of the list is stored


class RowOutcome(StrEnum):
    """What became of a row."""

    ENROLLED = "enrolled"
    SKIPPED = "skipped"
    FAILED = "failed"
    DUPLICATE = "duplicate"  # the list has this person already


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why something is not as wished: a code for programs, and for people what is wrong and what to do."""

    code: str
    reason: str
    what_to_do: str


class PhotoTrouble(Exception):
    """A photo cannot be read from its folder or zip."""

    def __init__(self, trouble: Trouble) -> None:
        self.trouble = trouble
        super().__init__(trouble.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPerson:
    """A person of the list with all photos. `line` is None where there is no list, and `name` "".

    `photos` are names that the list's `read` takes. `trouble` says why nobody can be enrolled by it.
    """

    line: int | None
    code: str
    name: str
    photos: tuple[str, ...]
    trouble: Trouble | None = None
    outcome: RowOutcome = RowOutcome.FAILED  # where there is trouble

    @property
    def rows(self) -> int:
        """How many rows the report has of it."""
        return max(1, len(self.photos))


class PhotoList(Protocol):
    """A list of people and their photos. All of it blocks."""

    def people(self) -> Iterator[ListedPerson]:
        """Everybody, in the list's order, read as they are taken; each call begins anew.

        Raises:
            InvalidRequest: the list cannot be read; the message says how to mend it.
        """
        ...

    def read(self, photo: str) -> bytes:
        """The photo's bytes.

        Raises:
            PhotoTrouble: it is missing, empty or too large, or cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRow:
    """A row of the report: what became of one photo, or of a line without one (`photo` is None).

    A row that is enrolled may have a warning: `error_code` MULTIPLE_FACES, or SAME_FACE_AS with the other
    person in `same_face_as`.
    """

    line: int | None
    code: str
    name: str
    photo: str | None
    outcome: RowOutcome
    trouble: Trouble | None = None
    same_face_as: str | None = None

    @property
    def plain(self) -> bool:
        """Whether there is nothing to be said about it."""
        return self.outcome is RowOutcome.ENROLLED and self.trouble is None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFaces:
    """What is stored of a person when a photo is to be imported.

    `imported` has the faces that came from photos, by the photo's SHA-256.
    """

    name: str | None  # None: there is no such person
    has_faces: bool
    imported: Mapping[str, int]


class ImportedFaces(Protocol):
    """RollcallImported: which photo a face was imported from. It goes with the face."""

    def of(self, people: Sequence[PersonKey]) -> Mapping[PersonKey, PersonFaces]:
        """What is stored of these people."""
        ...

    def faces_of(self, person: PersonKey) -> Sequence[int]:
        """The Ids of all faces of a person."""
        ...

    def add(self, face: NewFace, sha256: str) -> int:
        """Store a face that came from a photo; returns its FaceData Id."""
        ...


Stored = Callable[[Sequence[ImportedRow]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOrder:
    """What is to be imported. `begin_at`: rows that were done before, in an import that was broken off."""

    photos: PhotoList
    person_type: PersonType
    mode: ImportMode = ImportMode.REJECT
    dry_run: bool = False
    begin_at: int = 0
