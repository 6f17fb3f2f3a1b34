"""Rows of the old server, and how they get an embedding of the active model."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from rollcall.core.faces import Embedding


class Outcome(StrEnum):
    """What became of a row; TO_MOVE where it is only looked at.

    A row that is not moved is left as it is, and is recognised by the old embedding as before.
    """

    TO_MOVE = "to_move"
    MOVED = "moved"
    NO_IMAGE = "no_image"
    UNREADABLE_IMAGE = "unreadable_image"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    POOR_QUALITY = "poor_quality"
    NOT_COMPARED = "not_compared"  # dlib does not find the face, so nobody knows whether it is the right one
    NO_MATCH = "no_match"  # with the old descriptor, by dlib
    CHANGED = "changed"  # by somebody else, while it was read or after it was moved


OLD_TOLERANCE: Final = 0.6  # the old server's, as the least similarity of a descriptor and a face
# What a person may overrule, in the order in which it is told.
DOUBTS: Final = (Outcome.SEVERAL_FACES, Outcome.POOR_QUALITY, Outcome.NOT_COMPARED, Outcome.NO_MATCH)


class PictureSource(StrEnum):
    """Where the picture of a row is."""

    OWN = "own_picture"
    PERSON = "person_picture"  # of the person, in Student or Teacher


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OldRow:
    """A row of FaceData whose FaceDescriptor is the old server's.

    `type` and `code` are as the row has them. `check` is the checksum of its FaceDescriptor. `person_row` is
    the Id in Student or Teacher of a row with a picture, where `source` is PERSON.
    """

    id: int
    type: str | None
    code: str
    descriptor: Embedding  # (128,), dlib's
    check: int
    source: PictureSource | None
    person_row: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedRow:
    """A row that has the embedding of `model` in the place of the old one.

    `changed`: somebody else has written another FaceDescriptor since.
    """

    id: int
    type: str | None
    code: str
    model: str
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OldRows:
    """Some rows in order of Id, found among `seen` ones; `last_id` is where to go on, None at the end."""

    rows: Sequence[OldRow | MovedRow]
    seen: int
    last_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Move:
    """A row's new embedding, and the picture it was made of."""

    row: OldRow
    model: str
    embedding: Embedding
    picture: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReport:
    """What became of one row.

    `similarity` is that of its face with the old descriptor, by dlib; `model` is whose embedding it has now.
    """

    face_id: int
    type: str | None
    code: str
    outcome: Outcome
    detail: str = ""
    similarity: float | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a moved row is not as it should be, or cannot be put back."""

    face_id: int
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was found at some moved rows: those that are right, or were put right, and the others.

    `last_id` is where to go on, None at the end.
    """

    right: Sequence[int]
    faults: Sequence[Fault]
    last_id: int | None


class OldDescriptors(Protocol):
    """FaceDescriptors of the old server: those in FaceData, and those that were put away for newer ones.

    What writes takes the lock of Changes itself, and tells the galleries. No other column is changed.
    """

    def require_transactions(self) -> None:
        """Raises InvalidRequest: the database could lose descriptors when it is broken off."""
        ...

    def count(self) -> int:
        """About how many rows `rows` will look at, for a progress bar."""
        ...

    def rows(self, after: int) -> OldRows:
        """The old server's rows, and those moved, a window at each call."""
        ...

    def picture(self, row: OldRow) -> bytes | None:
        """The picture of a row, or of its person; None where it is gone meanwhile."""
        ...

    def move(self, move: Move) -> bool:
        """Put the old FaceDescriptor away, and write the new one; the embedding too unless it is there.

        False if the row or its picture is not as it was read. True too where it was moved meanwhile.
        """
        ...

    def check(self, after: int) -> Looked:
        """Whether moved rows are as they were written, a window at each call."""
        ...

    def put_back(self, after: int, face_ids: Collection[int] | None = None) -> Looked:
        """Give moved rows their old FaceDescriptor again, byte for byte, a window at each call.

        `face_ids`: those rows only. Rows that somebody else has changed since are left alone.
        """
        ...
