"""What the database keeps, as values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from rollcall.core.calibration import Calibration
from rollcall.core.faces import Embedding
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


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEmbedding:
    """One embedding of one FaceData row."""

    face_id: int
    person: PersonKey
    model: str
    vector: Embedding


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage:
    """The picture of one FaceData row."""

    face_id: int
    image: bytes


# Stand in the change table in place of a face's Id.
SHARED: Final = 0  # a calibration or a setting that all replicas share was stored
EVERYTHING: Final = -1  # so much changed, as by a restore, that all is to be read anew


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
