"""Is this the same person?"""

import asyncio
import time
from dataclasses import dataclass

from rollcall.core.errors import PersonNotFound
from rollcall.core.faces import Embedding, ReadRequest, Subjects, metric_of
from rollcall.core.matching import similarities
from rollcall.core.people import PersonKey
from rollcall.core.ports import FaceReader, Gallery, Models
from rollcall.workflows.probes import FacePolicy, ProbeReader
from rollcall.workflows.recognize import elapsed_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """`threshold` is the similarity from which on the two are held to be one person, by `model`."""

    verified: bool
    similarity: float
    confidence: float
    threshold: float
    warnings: tuple[str, ...]
    model: str
    processing_time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Embedded:
    embedding: Embedding
    warnings: tuple[str, ...]


class Verify:
    """Compares the largest face of a picture with that of another, or with an enrolled person."""

    def __init__(
        self, *, models: Models, faces: FaceReader, probes: ProbeReader, gallery: Gallery, policy: FacePolicy
    ) -> None:
        self._models = models
        self._faces = faces
        self._probes = probes
        self._gallery = gallery
        self._policy = policy

    async def pictures(self, first: bytes, second: bytes, min_similarity: float | None) -> Verification:
        """Raises NoFaceDetected or MultipleFaces as the policy says, for either picture."""
        started = time.perf_counter()
        model = self._models.active()
        a, b = await asyncio.gather(self._embed(first, model.name), self._embed(second, model.name))
        similarity = float(similarities(b.embedding[None], a.embedding, metric_of(model.name))[0])
        # A vector's product with itself may exceed 1 by a rounding.
        similarity = min(1.0, similarity)
        threshold = model.min_similarity if min_similarity is None else min_similarity
        return Verification(
            verified=similarity >= threshold,
            similarity=similarity,
            confidence=model.calibration.confidence(similarity),
            threshold=threshold,
            warnings=tuple(dict.fromkeys((*a.warnings, *b.warnings))),
            model=model.name,
            processing_time_ms=elapsed_ms(started),
        )

    async def _embed(self, picture: bytes, model: str) -> "_Embedded":
        reading = await self._faces.read(ReadRequest(picture=picture, model=model, embed=Subjects.LARGEST))
        warnings = self._policy.check(len(reading.faces))
        embedded = [face.embedding for face in reading.faces if face.embedding is not None]
        return _Embedded(embedding=self._policy.pick(embedded), warnings=warnings)

    async def person(self, picture: bytes, person: PersonKey, min_similarity: float | None) -> Verification:
        """Raises PersonNotFound when nobody of that code is enrolled."""
        started = time.perf_counter()
        found = await self._probes.read(picture, subjects=Subjects.LARGEST)
        warnings = self._policy.check(found.face_count)
        thresholds = found.thresholds(min_similarity)
        match = self._gallery.compare(self._policy.pick(found.faces).embeddings, person, thresholds)
        if match is None or not thresholds.accepts(match):
            # Another face of the person may only be known by another model.
            found = await self._probes.with_others(
                found, picture, subjects=Subjects.LARGEST, only=person.type
            )
            match = self._gallery.compare(self._policy.pick(found.faces).embeddings, person, thresholds)
        if match is None:
            raise PersonNotFound("This person has no face that can be compared.")
        return Verification(
            verified=thresholds.accepts(match),
            similarity=match.similarity,
            confidence=match.confidence,
            threshold=thresholds.for_model(match.model),
            warnings=warnings,
            model=match.model,
            processing_time_ms=elapsed_ms(started),
        )
