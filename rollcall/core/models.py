"""Models as the server sees them: loaded, answering, and on their way in or out."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rollcall.core.calibration import Calibration
from rollcall.core.people import PersonKey


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model in the runner's memory.

    `dimension`: how many numbers its embeddings have. `recogniser`: the name of its file in the pack; None
    for the fallback engine. `load_id` is another at each load of it, perhaps from other files.
    """

    name: str
    backend: str
    dimension: int
    recogniser: str | None = None
    load_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    """A model that could be used.

    `verified`: `official` files, `altered` ones of an official name, or `unknown`; None where it is not
    present.
    """

    name: str
    present: bool
    downloadable: bool
    verified: str | None
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveModel:
    """A model that answers, and from which similarity on it calls two faces one person's.

    Embeddings of one that is not `checked` must not be stored: it may be another than its name's.
    """

    name: str
    backend: str
    min_similarity: float
    calibration: Calibration
    checked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Which recogniser a model's embeddings were made with: the SHA-256 of its file, and their length."""

    recogniser: str
    dimension: int


class SwitchKind(StrEnum):
    SWITCH = "switch"
    ROLLBACK = "rollback"


class SwitchState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class SwitchStep(StrEnum):
    """What a running switch is at, in this order."""

    WAITING = "waiting"  # for a server to take it up
    LOADING = "loading"  # downloading included
    EMBEDDING = "embedding"
    REHEARSING = "rehearsing"
    GATHERING = "gathering"  # until every server has loaded the model


LOST_LISTED: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What came of asking the gallery with its own faces, before anything was switched.

    `faces`: how many have the new model's embedding; `lost_count`: how many of them do not find their own
    person, `lost`: the Ids of the first LOST_LISTED of these.
    `unread`: how many have an image in which the new model found nobody; `missed`: those of them that have
    the old model's embedding. Reports of older versions say nothing of these.
    The rest is about faces of persons who have several by both models: each was compared with all others.
    `old_right` and `new_right` say how many found their own person first, `agreed` how many found the same
    one by both.
    """

    faces: int
    lost: Sequence[int]
    lost_count: int
    probes: int
    old_right: int
    new_right: int
    agreed: int
    unread: int = 0
    missed: int = 0

    @property
    def rank1_agreement(self) -> float | None:
        """0..1; None where nobody has several faces."""
        return self.agreed / self.probes if self.probes else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A change of the model that answers, for all servers of a database.

    `source` is None where none had answered. `done` of `total` faces have been embedded. `begun` and `ended`
    are seconds since 1970 by the database's clock.
    """

    id: int
    kind: SwitchKind
    source: str | None
    target: str
    state: SwitchState
    step: SwitchStep | None
    done: int
    total: int
    forced: bool
    problem: str | None
    rehearsal: Rehearsal | None
    begun: int
    ended: int | None

    @property
    def running(self) -> bool:
        return self.state is SwitchState.RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that is up, the model that is to answer by its word, and the models that it has loaded."""

    name: str
    wanted: str
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """A model in the list of all. `faces` have its embedding; `downloaded` is in per cent, -1 for unknown."""

    stored: StoredModel
    active: bool
    loaded: bool
    backend: str | None
    dimension: int | None
    operating_point: float
    faces: int
    downloaded: int | None
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelList:
    """How the models stand. `previous` is the way back, `next` what a switch goes to."""

    models: Sequence[ModelEntry]
    wanted: str
    active: str | None
    previous: str | None
    next: str | None
    switch: Switch | None
    servers: Sequence[Server]
    left_faces: int


NO_IMAGE: Final = "NO_IMAGE"
WAITING: Final = "WAITING"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftFace:
    """A face that has no embedding by a model.

    `reason`: NO_IMAGE, WAITING for its turn, or the code of the error that its image gave.
    """

    face_id: int
    person: PersonKey
    reason: str
