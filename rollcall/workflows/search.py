"""Look for the faces of a picture in the gallery: first by the model that answers, then by the others."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from rollcall.core.faces import Subjects
from rollcall.core.matching import Match, Thresholds
from rollcall.core.observing import Observer, Step
from rollcall.core.people import PersonType
from rollcall.core.ports import Gallery
from rollcall.workflows.probes import Probe, ProbeReader, Probes


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for. `limit`: so many persons for each face at most.

    `thorough`: ask other models of the gallery too where the one that answers has found somebody.
    """

    picture: bytes
    subjects: Subjects
    only: PersonType | None = None
    min_similarity: float | None = None
    limit: int = 1
    thorough: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """For each face the persons that are likest, accepted ones first."""

    thresholds: Thresholds
    rows: Sequence[Sequence[Match]]

    def accepted(self, row: int) -> Match | None:
        """Who the face is; None for nobody."""
        found = self.rows[row]
        return found[0] if found and self.thresholds.accepts(found[0]) else None


class Search:
    """Every recognition comes through here."""

    def __init__(self, *, probes: ProbeReader, gallery: Gallery, observer: Observer) -> None:
        self._probes = probes
        self._gallery = gallery
        self._observer = observer

    async def read(self, query: Query) -> Probes:
        """The picture's faces, by the model that answers."""
        return await self._probes.read(query.picture, subjects=query.subjects)

    async def rank(self, found: Probes, query: Query) -> Ranking:
        """Who they are. The gallery's other models, such as the old server's engine, are asked about a
        picture in which somebody is not known by the model that answers."""
        thresholds = found.thresholds(query.min_similarity)
        ranking = await self._rank(found.faces, thresholds, query)
        known = all(ranking.accepted(row) for row in range(len(ranking.rows)))
        if known and not query.thorough:
            return ranking
        further = await self._probes.with_others(
            found, query.picture, subjects=query.subjects, only=query.only
        )
        return ranking if further is found else await self._rank(further.faces, thresholds, query)

    async def _rank(self, faces: Sequence[Probe], thresholds: Thresholds, query: Query) -> Ranking:
        # In a thread: 100,000 faces take 20 ms, a class photo many times that, and nobody else would be
        # answered meanwhile.
        with self._observer.step(Step.SEARCH):
            rows = await asyncio.to_thread(
                lambda: [
                    self._gallery.rank(face.embeddings, thresholds, only=query.only, limit=query.limit)
                    for face in faces
                ]
            )
        return Ranking(thresholds=thresholds, rows=rows)
