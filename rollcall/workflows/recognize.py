"""Who is in this picture?"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rollcall.core.errors import MultipleFaces, NoFaceDetected
from rollcall.core.faces import Box, Subjects
from rollcall.core.matching import Match, Thresholds
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.ports import Gallery
from rollcall.core.records import RecognitionAttempt
from rollcall.workflows.journal import Journal
from rollcall.workflows.probes import FacePolicy, Probe, ProbeReader

MAX_CANDIDATES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A picture to recognise, and how."""

    picture: bytes
    only: PersonType | None = None
    min_similarity: float | None = None
    source_image_name: str | None = None
    top_k: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A match, with the name from Student or Teacher ("" where there is no such row)."""

    match: Match
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """`match` is None when nobody is like enough; `candidates` are the nearest, like enough or not."""

    match: Named | None
    candidates: Sequence[Named]
    warnings: tuple[str, ...]
    processing_time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizedFace:
    box: Box
    match: Named | None
    candidates: Sequence[Named]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRecognition:
    """Every face of a picture, the largest first."""

    faces: Sequence[RecognizedFace]
    processing_time_ms: int


class Recognize:
    """Answers "who is this?" for the largest face, or every face, of a picture; each attempt is logged."""

    def __init__(
        self, *, probes: ProbeReader, gallery: Gallery, journal: Journal, policy: FacePolicy
    ) -> None:
        self._probes = probes
        self._gallery = gallery
        self._journal = journal
        self._policy = policy

    async def largest(self, sighting: Sighting) -> Recognition:
        """Name the largest face.

        Raises:
            NoFaceDetected, MultipleFaces: as the policy says; logged as a failed attempt.
        """
        started = time.perf_counter()
        found = await self._probes.read(sighting.picture, subjects=Subjects.LARGEST, only=sighting.only)
        try:
            warnings = self._policy.check(found.face_count)
            probe = self._policy.pick(found.faces)
        except (NoFaceDetected, MultipleFaces):
            await self._log([None], [0.0], started, sighting.source_image_name)
            raise
        thresholds = found.thresholds(sighting.min_similarity)
        # 100,000 faces take 20 ms, in which nobody else would be answered.
        ranked = await asyncio.to_thread(self._rank, probe, thresholds, sighting)
        accepted = _accepted(ranked, thresholds)
        confidence = ranked[0].confidence if ranked else 0.0
        names = await self._log([accepted], [confidence], started, sighting.source_image_name, ranked)
        named = [Named(match=match, name=names.get(match.person, "")) for match in ranked]
        return Recognition(
            match=named[0] if accepted else None,
            candidates=named,
            warnings=warnings,
            processing_time_ms=elapsed_ms(started),
        )

    async def every_face(self, sighting: Sighting) -> GroupRecognition:
        """Name every face; a person is given to the face that is likest, and to no other."""
        started = time.perf_counter()
        found = await self._probes.read(sighting.picture, subjects=Subjects.ALL, only=sighting.only)
        thresholds = found.thresholds(sighting.min_similarity)
        # A class photo compared with a whole school takes long enough to hold up others.
        ranked = await asyncio.to_thread(
            lambda: [self._rank(probe, thresholds, sighting, MAX_CANDIDATES) for probe in found.faces]
        )
        chosen = assign_once(ranked, thresholds)
        confidences = [match.confidence if match else 0.0 for match in chosen]
        names = await self._log(
            chosen or [None],
            confidences or [0.0],
            started,
            sighting.source_image_name,
            (match for row in ranked for match in row[: sighting.top_k]),
        )
        faces = [
            RecognizedFace(
                box=probe.face.box,
                match=Named(match=match, name=names.get(match.person, "")) if match else None,
                candidates=[Named(match=m, name=names.get(m.person, "")) for m in row[: sighting.top_k]],
            )
            for probe, match, row in zip(found.faces, chosen, ranked, strict=True)
        ]
        return GroupRecognition(faces=faces, processing_time_ms=elapsed_ms(started))

    def _rank(
        self, probe: Probe, thresholds: Thresholds, sighting: Sighting, limit: int = 0
    ) -> Sequence[Match]:
        return self._gallery.rank(
            probe.embeddings, thresholds, only=sighting.only, limit=max(limit, sighting.top_k)
        )

    async def _log(
        self,
        matches: Sequence[Match | None],
        confidences: Sequence[float],
        started: float,
        source_image_name: str | None,
        to_name: Iterable[Match] = (),
    ) -> Mapping[PersonKey, str]:
        """Write one row per face, and look up the names to answer with."""
        attempts = [
            RecognitionAttempt(
                person=match.person if match else None,
                confidence=confidence,
                processing_time_ms=elapsed_ms(started),
                source_image_name=source_image_name,
            )
            for match, confidence in zip(matches, confidences, strict=True)
        ]
        return await self._journal.write(attempts, (match.person for match in (*to_name, *matches) if match))


def _accepted(ranked: Sequence[Match], thresholds: Thresholds) -> Match | None:
    return ranked[0] if ranked and thresholds.accepts(ranked[0]) else None


def assign_once(ranked: Sequence[Sequence[Match]], thresholds: Thresholds) -> list[Match | None]:
    """One match a face, no person twice: the most confident pair first, then the next that is still free."""
    pairs = [
        (match.confidence, match.similarity, -row, match)
        for row, matches in enumerate(ranked)
        for match in matches
        if thresholds.accepts(match)
    ]
    chosen: list[Match | None] = [None] * len(ranked)
    named: set[PersonKey] = set()
    for _, _, negative_row, match in sorted(pairs, key=lambda pair: pair[:3], reverse=True):
        if chosen[-negative_row] is None and match.person not in named:
            chosen[-negative_row] = match
            named.add(match.person)
    return chosen


def elapsed_ms(started: float) -> int:
    """Milliseconds since a `time.perf_counter()`."""
    return round((time.perf_counter() - started) * 1000)
