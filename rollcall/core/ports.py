"""What the workflows ask of the runner, the gallery and the models, as Protocols."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from rollcall.core.calibration import Calibrations
from rollcall.core.faces import Embedding, Embeddings, Reading, ReadRequest
from rollcall.core.matching import Match, Thresholds
from rollcall.core.models import ActiveModel, LoadedModel
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import StoredEmbeddings
from rollcall.core.shared_settings import SharedSettings


class FaceReader(Protocol):
    """Pictures in, faces out."""

    async def read(self, request: ReadRequest) -> Reading:
        """Find the faces of one picture.

        Raises:
            InvalidImage, UnsupportedImageFormat, ImageTooLarge: the picture cannot be used.
            ModelNotLoaded: the model has no files, or the runner is away.
            Overloaded: the answer did not come in time.
            InternalError: a network failed on this picture.
        """
        ...

    async def load(self, model: str) -> LoadedModel:
        """Load a model ahead of its first picture. A loaded one is named at once.

        Raises:
            ModelNotLoaded: it cannot be loaded; the message says why.
            RunnerAway, Overloaded: the runner does not answer, which says nothing about the model.
        """
        ...

    async def unload(self, model: str) -> None:
        """Free a model's memory. Pictures that it is reading are read to their end."""
        ...


class Pictures(Protocol):
    """Makes small pictures of large ones."""

    async def reduced(self, image: bytes, max_side: int) -> bytes:
        """The picture as an upright JPEG whose longer side has at most so many pixels.

        Raises:
            InvalidImage, UnsupportedImageFormat, ImageTooLarge: the picture cannot be used.
        """
        ...


class Gallery(Protocol):
    """Who is nearest?"""

    @property
    def calibrations(self) -> Calibrations:
        """Every model's calibration, as of the last refresh."""
        ...

    @property
    def shared(self) -> SharedSettings:
        """The settings that all replicas share, as of the last refresh."""
        ...

    async def refresh(self) -> None:
        """Take over every change committed before this call; callers of a moment share one reading.

        Raises:
            DatabaseError: the database could not be read, or not in time.
        """
        ...

    def models_besides(self, model: str, only: PersonType | None = None) -> frozenset[str]:
        """Models of faces that have no embedding of this one."""
        ...

    def version(self) -> object:
        """Another object whenever a face has changed."""
        ...

    def counts(self) -> Mapping[str, int]:
        """How many faces have an embedding of each model."""
        ...

    def faces_of(self, model: str) -> StoredEmbeddings | None:
        """A copy of a model's embeddings, of the length that most of them have; None if there are none."""
        ...

    def rank(
        self,
        probes: Mapping[str, Embedding],
        thresholds: Thresholds,
        *,
        only: PersonType | None = None,
        limit: int = 1,
    ) -> Sequence[Match]:
        """The persons most like the probe, each once: accepted ones first, the likest first.

        `probes` has the probe's embedding by each model; a face is compared by the active model where it can
        be, else by a model that it has.
        """
        ...

    def compare(
        self, probes: Mapping[str, Embedding], person: PersonKey, thresholds: Thresholds
    ) -> Match | None:
        """How like one person the probe is; None if no face of that person can be compared."""
        ...

    def likest_others(
        self, model: str, probes: Embeddings, people: Sequence[PersonKey]
    ) -> Sequence[tuple[PersonKey, float] | None]:
        """For each embedding (n, dim) by a model, and the person whose it is: who else is likest, and how
        like. None where nobody else has a face by that model."""
        ...


class Models(Protocol):
    """Which model answers."""

    def active(self) -> ActiveModel:
        """The model to read pictures with.

        Raises:
            ModelNotLoaded: none can answer; the message says why.
        """
        ...

    def named(self, name: str) -> ActiveModel | None:
        """Another model that is loaded; None where it is not."""
        ...


class ModelFiles(Protocol):
    """Brings models from their files into the runner."""

    async def ensure(self, name: str) -> LoadedModel:
        """Have a model loaded, downloaded first where it can be.

        Raises:
            ModelNotLoaded: it cannot be had; the message says why. RunnerAway: not now.
            DatabaseError: whether it is the one that made the embeddings of its name cannot be told.
        """
        ...


class ModelStates(Models, Protocol):
    """How the models of this process stand."""

    @property
    def wanted(self) -> str:
        """The model that is to answer."""
        ...

    @property
    def loaded(self) -> Mapping[str, LoadedModel]: ...

    @property
    def problems(self) -> Mapping[str, str]:
        """Why models that are wanted are not loaded."""
        ...

    @property
    def downloads(self) -> Mapping[str, tuple[int, int | None]]:
        """Bytes that are there, and all of them where that is known, of what is being downloaded."""
        ...
