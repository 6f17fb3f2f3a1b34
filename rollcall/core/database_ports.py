"""What the workflows ask of the database, as Protocols."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from rollcall.core.attendance import Rolls
from rollcall.core.audit import Audit
from rollcall.core.comparisons import Comparison
from rollcall.core.directory import Directory
from rollcall.core.feedback import Recognitions
from rollcall.core.imports import ImportedFaces
from rollcall.core.jobs import Jobs
from rollcall.core.legacy import OldDescriptors
from rollcall.core.models import LeftFace
from rollcall.core.people import Person, PersonKey, PersonType
from rollcall.core.records import (
    AttendanceStatus,
    EnrolledFace,
    FurtherEmbedding,
    KeptPicture,
    NewFace,
    News,
    Position,
    RecognitionAttempt,
    RemovedAttempts,
    StoredCalibration,
    StoredEmbeddings,
    StoredImage,
)
from rollcall.core.shared_settings import SharedSettings
from rollcall.core.statistics import RecentRecognitions
from rollcall.core.switch_ports import Fingerprints, Servers, Switches

T = TypeVar("T")


class People(Protocol):
    """The users' Student and Teacher tables."""

    def find(self, key: PersonKey) -> Person | None: ...

    def add(self, person: Person) -> None: ...

    def names(self, keys: Iterable[PersonKey]) -> Mapping[PersonKey, str]:
        """Names of those of the persons that exist."""
        ...


class Faces(Protocol):
    """Enrolled faces and their embeddings. Each change is also noted in the change table."""

    def add(self, face: NewFace) -> int:
        """Store a face with its embedding; returns its FaceData Id."""
        ...

    def count(self, person: PersonKey | None = None) -> int: ...

    def owner(self, face_id: int) -> PersonKey | None:
        """Whose face it is; None if there is none of that Id, or its row names nobody who can be."""
        ...

    def picture(self, face_id: int) -> KeptPicture | None:
        """Its picture; None if there is no face of that Id, or none with a picture."""
        ...

    def remove(self, face_id: int) -> bool:
        """Delete one face; False if there is none of that Id."""
        ...

    def remove_person(self, person: PersonKey) -> int:
        """Delete every face of a person; returns how many there were."""
        ...

    def list(
        self, *, type: PersonType | None, code: str | None, limit: int | None, offset: int
    ) -> tuple[Sequence[EnrolledFace], int]:
        """A page of faces in order of Id, and how many there are on all pages."""
        ...

    def embeddings(self, face_ids: Iterable[int] | None = None) -> Iterable[StoredEmbeddings]:
        """All embeddings, or those of some faces, a block at a time; read as they are taken.

        A face without an entry in our table is the old server's: its FaceDescriptor is an embedding of the
        fallback model.
        """
        ...

    def images_lacking(self, model: str, limit: int, after: int = 0) -> Sequence[StoredImage]:
        """Faces after an Id that have an image, and neither this model's embedding nor a note why there can
        be none."""
        ...

    def left(self, model: str, *, limit: int | None, offset: int) -> tuple[Sequence[LeftFace], int]:
        """A page of the faces without this model's embedding, in order of Id, and how many there are."""
        ...

    def add_further(self, model: str, further: Sequence[FurtherEmbedding]) -> int:
        """Store what a model made of several faces, in one go; returns how many embeddings were stored.

        A face that is gone or has another image meanwhile is left out, and an embedding that it has already
        is not replaced by a problem.
        """
        ...

    def has_embedding(self, model: str) -> bool:
        """Whether any face has an embedding by a model."""
        ...

    def forget_problems(self, model: str) -> None:
        """Let a model try again the faces of which it could make no embedding."""
        ...

    def prune(self, keep: Collection[str], limit: int) -> int:
        """Delete embeddings of other models than these, of faces that have one by the first of `keep`; of at
        most `limit` faces. Returns of how many it did."""
        ...

    def count_lacking(self, model: str) -> int: ...


class KnownFaces(Protocol):
    """FaceData as Rollcall last saw it, to notice what other programs do there."""

    def fill(self, after: int) -> int | None:
        """Know what FaceData holds, a chunk at each call; returns the Id to go on after, None when done.

        Does nothing once it was done. At the end galleries are told to read all anew.
        """
        ...

    def compare(self, after: int, *, size: int, descriptors: bool) -> tuple[int | None, Sequence[int]]:
        """The Ids of faces that differ from what is known, among about `size` known ones after an Id.

        Also returns the Id to go on after, None at the end.
        """
        ...

    def take_over(self, face_ids: Collection[int]) -> int:
        """Note those of the faces that `compare` gave and that still differ, and tell the galleries.

        Returns how many differed.
        """
        ...


class Changes(Protocol):
    """The append-only change table: which faces changed, in the order in which the changes were committed.

    `records.SHARED` in place of a face's Id says that a calibration or a shared setting was stored.
    """

    def lock(self) -> None:
        """Let no other transaction change faces, persons or attendance until this one ends."""
        ...

    def latest(self) -> Position:
        """Where the last change stands; `records.EMPTY_LOG` if there was none."""
        ...

    def after(self, position: Position) -> News:
        """What was changed after a position that `latest` or `after` gave.

        All is to be read anew when that position is not in the table any more or a number is missing after it
        (a restored backup), after `records.EMPTY_LOG`, when `records.EVERYTHING` was noted, and when too much
        has changed to be told one by one.
        """
        ...


class Attendance(Protocol):
    """AttendanceRecords of the users' sessions."""

    def ensure_session(self, session_id: int) -> bool:
        """Whether the session exists. In a Sessions table made by us an absent one is added."""
        ...

    def status_of(self, session_id: int, student_code: str) -> AttendanceStatus | None: ...

    def add(self, session_id: int, student_code: str, status: AttendanceStatus) -> None: ...

    def change(self, session_id: int, student_code: str, status: AttendanceStatus) -> None: ...


class RecognitionLog(Protocol):
    """FaceRecognitionLogs."""

    def add(self, attempts: Iterable[RecognitionAttempt]) -> None: ...


class Comparisons(Protocol):
    """What the answering model and the shadow model said of the same pictures."""

    def add(self, comparison: Comparison) -> None: ...

    def between(self, one: str, other: str) -> Iterable[Comparison]:
        """All of these two models, whichever of them answered; read as they are taken."""
        ...

    def models(self) -> frozenset[str]:
        """All models of which there is a comparison."""
        ...


class LogRetention(Protocol):
    """Old rows of a table that only grows: FaceRecognitionLogs, what was answered, or the comparisons."""

    def remove(self, *, older_than_days: int, after_id: int) -> RemovedAttempts | None:
        """Delete some of the rows after an Id that are too old; None when there is no row after it."""
        ...


class StoredSettings(Protocol):
    """Settings that all replicas share. Storing and removing are also noted in the change table."""

    def all(self) -> SharedSettings: ...

    def put(self, name: str, value: str) -> None:
        """Store it in place of the former value."""
        ...

    def remove(self, name: str) -> bool:
        """False if there was none of that name."""
        ...


class StoredCalibrations(Protocol):
    """What `rollcall evaluate --store` found, one a model. Storing is also noted in the change table."""

    def all(self) -> Sequence[StoredCalibration]: ...

    def put(self, new: StoredCalibration) -> None:
        """Store it in place of the model's former one."""
        ...


class Records(Protocol):
    """All tables, within one transaction."""

    @property
    def people(self) -> People: ...
    @property
    def directory(self) -> Directory: ...
    @property
    def faces(self) -> Faces: ...
    @property
    def imported(self) -> ImportedFaces: ...
    @property
    def known_faces(self) -> KnownFaces: ...
    @property
    def old_descriptors(self) -> OldDescriptors: ...
    @property
    def changes(self) -> Changes: ...
    @property
    def attendance(self) -> Attendance: ...
    @property
    def rolls(self) -> Rolls: ...
    @property
    def log(self) -> RecognitionLog: ...
    @property
    def log_retention(self) -> LogRetention: ...
    @property
    def recognitions(self) -> Recognitions: ...
    @property
    def recognition_retention(self) -> LogRetention: ...
    @property
    def recent(self) -> RecentRecognitions: ...
    @property
    def comparisons(self) -> Comparisons: ...
    @property
    def comparison_retention(self) -> LogRetention: ...
    @property
    def calibrations(self) -> StoredCalibrations: ...
    @property
    def settings(self) -> StoredSettings: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def switches(self) -> Switches: ...
    @property
    def servers(self) -> Servers: ...
    @property
    def fingerprints(self) -> Fingerprints: ...
    @property
    def jobs(self) -> Jobs: ...


class Database(Protocol):
    """Where transactions begin. All of it blocks but `run`.

    Every method raises DatabaseError when the database is unreachable, refuses a statement or does not answer
    in time, and InvalidRequest when a column cannot store a text.
    """

    @property
    def kind(self) -> str:
        """`sqlite` or `mysql`."""
        ...

    def ping(self) -> None:
        """One round trip."""
        ...

    def close(self) -> None:
        """Close the connections; those in use close when their transactions end."""
        ...

    async def run(self, work: Callable[[Records], T]) -> T:
        """Do `work` in a transaction, in a thread. Committed when it returns, rolled back when it raises.

        It is done again when the database gave it up or closed the connection, so it must have no effect but
        on the records.
        """
        ...

    def run_sync(self, work: Callable[[Records], T], limit: float | None = None) -> T:
        """The same, in this thread. `limit`: how many seconds it may take, in place of what is usual."""
        ...

    def transaction(self) -> AbstractContextManager[Records]:
        """Committed when the block ends, rolled back when it raises. Never done again."""
        ...
