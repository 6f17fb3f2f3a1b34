"""What the database keeps, as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rollcall.core.calibration import Calibration
from rollcall.core.faces import Embedding, Embeddings
from rollcall.core.people import PersonKey


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFace:
    """A face to be enrolled: the embedding, the model that made it, and the picture it came from."""

    person: PersonKey
    model: str
    embedding: Embedding
    image: bytes
    content_type: str
    original_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredEmbeddings:
    """Embeddings of one model and length: row i of `vectors` is of face `face_ids[i]`, of `people[i]`.

    In columns, because an object for each of 100,000 faces takes seconds.
    """

    model: str
    face_ids: NDArray[np.int64]  # (n,), FaceData Ids
    people: Sequence[PersonKey]  # n of them
    vectors: Embeddings  # (n, dim)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FurtherEmbedding:
    """What a model made of a face's image: an embedding, or the code of the error in its place.

    `image_crc32` tells whether the face still has that image; None where that does not matter.
    """

    face_id: int
    image_crc32: int | None
    vector: Embedding | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage:
    """The picture of one FaceData row."""

    face_id: int
    image: bytes


# Stand in the change table in place of a face's Id.
SHARED: Final = 0  # a calibration or a setting that all replicas share was stored
EVERYTHING: Final = -1  # so much changed, as by a restore, that all is to be read anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in the change table: the number of a change and its random stamp.

    The stamp tells a restored backup from the history that it replaced. Rows of older versions have none.
    """

    number: int
    stamp: int | None


EMPTY_LOG: Final = Position(number=0, stamp=None)  # where no change was recorded yet


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What was changed after a position: Ids of faces, and SHARED; None where all is to be read anew."""

    position: Position  # of the last change
    changed: frozenset[int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCalibration:
    """A model's calibration by `rollcall evaluate --store`, and how many pairs it was made from.

    `stored_at` is the database's own time; None until it is stored.
    """

    model: str
    calibration: Calibration
    same_pairs: int
    different_pairs: int
    stored_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolledFace:
    """A FaceData row as it is listed; `person_name` is None where Student or Teacher has no such row."""

    id: int
    person: PersonKey
    person_name: str | None
    enrollment_date: datetime
    has_image: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPicture:
    """The picture of a FaceData row and what the row says of it; perhaps of another program's making."""

    image: bytes
    content_type: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionAttempt:
    """A row for FaceRecognitionLogs; no person means that nobody was recognised."""

    person: PersonKey | None
    confidence: float
    processing_time_ms: int
    source_image_name: str | None = None

    @property
    def success(self) -> bool:
        return self.person is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedAttempts:
    """How many old attempts one step deleted, and the last Id that it looked at."""

    count: int
    last_id: int


class AttendanceStatus(StrEnum):
    PRESENT = "Present"
    ABSENT = "Absent"
    LATE = "Late"
