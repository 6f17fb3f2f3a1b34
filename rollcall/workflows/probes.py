"""From a picture to probes: faces with the embeddings that the gallery can be asked with."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from rollcall.core.calibration import Calibrations
from rollcall.core.errors import InternalError, ModelNotLoaded, MultipleFaces, NoFaceDetected, Overloaded
from rollcall.core.faces import FALLBACK_MODEL, Box, Embedding, Face, Reading, ReadRequest, Subjects
from rollcall.core.matching import Thresholds
from rollcall.core.models import ActiveModel
from rollcall.core.people import PersonType
from rollcall.core.ports import FaceReader, Gallery, Models

T = TypeVar("T")

logger = logging.getLogger("rollcall.recognition")

MULTIPLE_FACES_WARNING = "MULTIPLE_FACES"
# Two models' boxes of one face differ; boxes of two faces hardly touch.
SAME_FACE_OVERLAP = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One face of a picture, and its embedding by each model that found it; none if it is cut off."""

    face: Face
    embeddings: Mapping[str, Embedding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """The faces that were asked for, of `face_count` in the picture, the largest first.

    `milliseconds`: how long the model took for the picture, waiting for others included.
    """

    model: ActiveModel
    face_count: int
    faces: Sequence[Probe]
    calibrations: Calibrations
    milliseconds: float

    def thresholds(self, requested: float | None) -> Thresholds:
        chosen = self.model.min_similarity if requested is None else requested
        return Thresholds(active_model=self.model.name, min_similarity=chosen, calibrations=self.calibrations)


class ProbeReader:
    """Reads a picture with the model that answers, and where that is not enough with those of other faces."""

    def __init__(
        self,
        *,
        models: Models,
        faces: FaceReader,
        gallery: Gallery,
        pick: Callable[[], ActiveModel] | None = None,
    ) -> None:
        """`pick`: which model answers a request, where that is not always the active one."""
        self._models = models
        self._faces = faces
        self._gallery = gallery
        self._pick = pick

    async def read(self, picture: bytes, *, subjects: Subjects) -> Probes:
        """Find and embed the faces; no face is no error here.

        The gallery is brought up to date while the picture is in the network, so that what is asked of it
        afterwards is never older than this call.
        """
        active, model = self._models.active().name, (self._pick or self._models.active)()
        started = time.perf_counter()
        request = ReadRequest(picture=picture, model=model.name, embed=subjects)
        (model, reading), _ = await asyncio.gather(self._read(request, model), self._gallery.refresh())
        latest = self._models.active()
        if latest.name != active and latest.name != model.name:
            # The models were switched, perhaps before this call, and only the refresh told.
            model, started = latest, time.perf_counter()
            reading = await self._faces.read(replace(request, model=model.name))
        elapsed = (time.perf_counter() - started) * 1000
        if self._pick is not None:
            logger.info("Answered by %s", model.name)
        probes = [
            Probe(face=face, embeddings={model.name: face.embedding} if face.embedding is not None else {})
            for face in reading.faces
            if subjects is Subjects.ALL or face.embedding is not None
        ]
        return Probes(
            # As it stands after the refresh, which may have brought it another calibration.
            model=self._models.named(model.name) or model,
            face_count=len(reading.faces),
            faces=probes,
            calibrations=self._gallery.calibrations,
            milliseconds=elapsed,
        )

    async def _read(self, request: ReadRequest, model: ActiveModel) -> tuple[ActiveModel, Reading]:
        """Which model read it: where one was picked that fails, the active one."""
        try:
            return model, await self._faces.read(request)
        except (ModelNotLoaded, Overloaded, InternalError) as error:
            active = self._models.active()
            if active.name == model.name:
                raise
            logger.warning("Model %s cannot answer: %s", model.name, error.message)
            return active, await self._faces.read(replace(request, model=active.name))

    async def with_others(
        self, found: Probes, picture: bytes, *, subjects: Subjects, only: PersonType | None
    ) -> Probes:
        """The same faces, with their embeddings by each other model that has faces of its own in the gallery.

        The very same object where there is no such model.
        """
        others = sorted(filter(self._may_be_asked, self._gallery.models_besides(found.model.name, only)))
        if not others or not found.faces:
            return found
        readings = await self._read_with(others, picture, subjects)
        faces = [replace(probe, embeddings=_embeddings(probe, readings)) for probe in found.faces]
        return replace(found, faces=faces)

    def _may_be_asked(self, model: str) -> bool:
        """Not a pack whose files nobody has checked yet: it may be another than made the embeddings."""
        found = self._models.named(model)
        return model == FALLBACK_MODEL or (found is not None and found.checked)

    async def _read_with(
        self, models: Sequence[str], picture: bytes, subjects: Subjects
    ) -> Mapping[str, Reading]:
        readings: dict[str, Reading] = {}
        for name in models:
            try:
                readings[name] = await self._faces.read(
                    ReadRequest(picture=picture, model=name, embed=subjects)
                )
            except (ModelNotLoaded, Overloaded, InternalError) as error:
                # The faces of that model wait for their new embedding; the rest of the gallery still answers.
                logger.warning("Model %s cannot be asked: %s", name, error.message)
        return readings


def _embeddings(probe: Probe, others: Mapping[str, Reading]) -> dict[str, Embedding]:
    """What there is already, and those by the others that found this very face."""
    found = dict(probe.embeddings)
    if not found:
        return found  # cut off
    for name, reading in others.items():
        best = max(reading.faces, key=lambda other: overlap(probe.face.box, other.box), default=None)
        if (
            best is not None
            and best.embedding is not None
            and overlap(probe.face.box, best.box) > SAME_FACE_OVERLAP
        ):
            found[name] = best.embedding
    return found


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (a.area + b.area - shared)


@dataclass(frozen=True, slots=True, kw_only=True)
class FacePolicy:
    """What to do with a picture of which one face is wanted (MULTIPLE_FACES_POLICY)."""

    reject_multiple: bool

    @staticmethod
    def pick(faces: Sequence[T]) -> T:
        """The face that was asked for, of those that could be embedded.

        Raises:
            NoFaceDetected: it is cut off. Another face must not answer in its place.
        """
        if not faces:
            raise NoFaceDetected("The face is cut off at the border of the picture.")
        return faces[0]

    def check(self, face_count: int) -> tuple[str, ...]:
        """The warnings to answer with.

        Raises:
            NoFaceDetected: there is none.
            MultipleFaces: there are several, and the policy rejects them.
        """
        if face_count == 0:
            raise NoFaceDetected
        if face_count == 1:
            return ()
        if self.reject_multiple:
            raise MultipleFaces(face_count=face_count)
        return (MULTIPLE_FACES_WARNING,)
