"""Who is in this picture?"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rollcall.core.comparisons import Outcome
from rollcall.core.errors import MultipleFaces, NoFaceDetected
from rollcall.core.faces import Box, Subjects
from rollcall.core.feedback import AnsweredPicture
from rollcall.core.matching import Match, Thresholds
from rollcall.core.observing import Observer, RecognitionKind, RecognitionOutcome
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import RecognitionAttempt
from rollcall.workflows.journal import Journal
from rollcall.workflows.outcomes import note_outcomes
from rollcall.workflows.probes import FacePolicy, Probes
from rollcall.workflows.search import Query, Search
from rollcall.workflows.shadow import Shadow

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
    """`match` is None when nobody is like enough; `candidates` are the nearest, like enough or not.

    `model` is the one that answered; a match says by which it was found, for faces may lack that one's
    embedding. Feedback names the answer by its `recognition_id`.
    """

    recognition_id: str
    match: Named | None
    candidates: Sequence[Named]
    warnings: tuple[str, ...]
    model: str
    processing_time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizedFace:
    box: Box
    match: Named | None
    candidates: Sequence[Named]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRecognition:
    """Every face of a picture, the largest first."""

    recognition_id: str
    faces: Sequence[RecognizedFace]
    model: str
    processing_time_ms: int


class Recognize:
    """Answers "who is this?" for the largest face, or every face, of a picture; each attempt is logged."""

    def __init__(
        self,
        *,
        search: Search,
        journal: Journal,
        policy: FacePolicy,
        observer: Observer,
        shadow: Shadow | None = None,
    ) -> None:
        self._search = search
        self._journal = journal
        self._policy = policy
        self._observer = observer
        self._shadow = shadow

    async def largest(self, sighting: Sighting) -> Recognition:
        """Name the largest face.

        Raises:
            NoFaceDetected, MultipleFaces: as the policy says; logged as a failed attempt.
        """
        started = time.perf_counter()
        query = _query(sighting, Subjects.LARGEST, limit=sighting.top_k)
        found = await self._search.read(query)
        try:
            warnings = self._policy.check(found.face_count)
            self._policy.pick(found.faces)
        except (NoFaceDetected, MultipleFaces) as error:
            await self._log([None], [0.0], started, sighting.source_image_name)
            if isinstance(error, NoFaceDetected):
                self._observer.recognized(RecognitionKind.RECOGNIZE, RecognitionOutcome.NO_FACE)
            raise
        ranking = await self._search.rank(found, query)
        ranked, accepted = ranking.rows[0], ranking.accepted(0)
        confidence = ranked[0].confidence if ranked else 0.0
        answered = AnsweredPicture.of(found.model.name, [accepted], [ranked])
        names = await self._log(
            [accepted], [confidence], started, sighting.source_image_name, ranked, answered
        )
        note_outcomes(
            self._observer, RecognitionKind.RECOGNIZE, query, found.model.name, [accepted], [ranked]
        )
        self._offer(sighting, found, ranked[0] if ranked else None, accepted is not None)
        named = [Named(match=match, name=names.get(match.person, "")) for match in ranked]
        return Recognition(
            recognition_id=answered.recognition_id,
            match=named[0] if accepted else None,
            candidates=named,
            warnings=warnings,
            model=found.model.name,
            processing_time_ms=elapsed_ms(started),
        )

    async def every_face(self, sighting: Sighting) -> GroupRecognition:
        """Name every face; a person is given to the face that is likest, and to no other."""
        started = time.perf_counter()
        query = _query(sighting, Subjects.ALL, limit=max(MAX_CANDIDATES, sighting.top_k))
        found = await self._search.read(query)
        ranking = await self._search.rank(found, query)
        chosen = assign_once(ranking.rows, ranking.thresholds)
        confidences = [match.confidence if match else 0.0 for match in chosen]
        answered = AnsweredPicture.of(found.model.name, chosen, ranking.rows)
        names = await self._log(
            chosen or [None],
            confidences or [0.0],
            started,
            sighting.source_image_name,
            (match for row in ranking.rows for match in row[: sighting.top_k]),
            answered,
        )
        note_outcomes(
            self._observer, RecognitionKind.RECOGNIZE_ALL, query, found.model.name, chosen, ranking.rows
        )
        faces = [
            RecognizedFace(
                box=probe.face.box,
                match=Named(match=match, name=names.get(match.person, "")) if match else None,
                candidates=[Named(match=m, name=names.get(m.person, "")) for m in row[: sighting.top_k]],
            )
            for probe, match, row in zip(found.faces, chosen, ranking.rows, strict=True)
        ]
        return GroupRecognition(
            recognition_id=answered.recognition_id,
            faces=faces,
            model=found.model.name,
            processing_time_ms=elapsed_ms(started),
        )

    def _offer(self, sighting: Sighting, found: Probes, best: Match | None, accepted: bool) -> None:
        """Let the shadow model look at it too, unless the face was known by yet another model."""
        if self._shadow is None or (best is not None and best.model != found.model.name):
            return
        outcome = Outcome(
            model=found.model.name,
            person=best.person if best else None,
            similarity=best.similarity if best else None,
            accepted=accepted,
            milliseconds=found.milliseconds,
        )
        self._shadow.offer(sighting.picture, outcome, sighting.only, found.faces[0].face.box)

    async def _log(
        self,
        matches: Sequence[Match | None],
        confidences: Sequence[float],
        started: float,
        source_image_name: str | None,
        to_name: Iterable[Match] = (),
        answered: AnsweredPicture | None = None,
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
        people = (match.person for match in (*to_name, *matches) if match)
        return await self._journal.write(attempts, people, answered)


def _query(sighting: Sighting, subjects: Subjects, *, limit: int) -> Query:
    return Query(
        picture=sighting.picture,
        subjects=subjects,
        only=sighting.only,
        min_similarity=sighting.min_similarity,
        limit=limit,
        # Who asks for candidates wants the likest of all.
        thorough=sighting.top_k > 1,
    )


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
