"""A second model reads a share of what is recognised, behind the answers' backs."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rollcall.core.comparisons import Comparison, Outcome
from rollcall.core.database_ports import Database, Records
from rollcall.core.errors import RollcallError
from rollcall.core.faces import Box, Face, ReadRequest, Subjects
from rollcall.core.matching import Match, Thresholds
from rollcall.core.models import ActiveModel
from rollcall.core.observing import ComparisonOutcome, Observer
from rollcall.core.people import PersonType
from rollcall.core.ports import FaceReader, Gallery
from rollcall.workflows.probes import SAME_FACE_OVERLAP, overlap

logger = logging.getLogger("rollcall.shadow")

QUEUE_SIZE = 8  # pictures, which may have megabytes each


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offered:
    picture: bytes
    outcome: Outcome
    only: PersonType | None
    box: Box | None


async def _at_once() -> None:
    pass


class Shadow:
    """Compares the answering model with another, which is never waited for and whose errors fail nothing.

    The observer is told what became of each picture that was taken: its comparison is `stored` in the
    database; or it was `dropped`, for there was no room, the shadow model was not loaded, it took another
    face for the largest, or a person was deleted meanwhile; or it `failed`, and the error is in the log.
    """

    def __init__(
        self,
        *,
        model: Callable[[], ActiveModel | None],
        faces: FaceReader,
        gallery: Gallery,
        database: Database,
        rate: float,
        observer: Observer,
        turn: Callable[[], Awaitable[object]] = _at_once,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`model` gives the shadow model, None while it is not loaded; `rate` is the share to take, 0..1.

        `turn` is awaited before each picture, so that others go first; `chance` gives numbers in [0, 1).
        """
        self._model = model
        self._faces = faces
        self._gallery = gallery
        self._database = database
        self._rate = rate
        self._turn = turn
        self._chance = chance
        self._queue: asyncio.Queue[_Offered] = asyncio.Queue(QUEUE_SIZE)
        self._observer = observer

    def offer(
        self, picture: bytes, outcome: Outcome, only: PersonType | None, box: Box | None = None
    ) -> None:
        """Take a share of the recognitions of a largest face; returns at once.

        `outcome` is what was answered, `only` whom was looked for, `box` where the face is.
        """
        if self._chance() >= self._rate:
            return
        model = self._model()
        if model is not None and model.name == outcome.model:
            return  # after a switch the shadow model answers itself
        if model is None or self._queue.full():
            self._observer.compared(ComparisonOutcome.DROPPED)
            return
        self._queue.put_nowait(_Offered(picture=picture, outcome=outcome, only=only, box=box))

    async def run(self) -> None:
        """Read what was taken, one picture at a time, for ever."""
        while True:
            offered = await self._queue.get()
            try:
                await self._turn()
                stored = await self._compare(offered)
                self._observer.compared(ComparisonOutcome.STORED if stored else ComparisonOutcome.DROPPED)
            except RollcallError as error:
                self._observer.compared(ComparisonOutcome.FAILED)
                logger.warning("The shadow model could not be compared: %s", error.message)

    async def _compare(self, offered: _Offered) -> bool:
        """Whether there was something to compare and to store."""
        model = self._model()
        if model is None or model.name == offered.outcome.model:
            return False
        started = time.perf_counter()
        request = ReadRequest(picture=offered.picture, model=model.name, embed=Subjects.LARGEST)
        reading = await self._faces.read(request)
        milliseconds = (time.perf_counter() - started) * 1000
        face = next((face for face in reading.faces if face.embedding is not None), None)
        if face and offered.box and overlap(face.box, offered.box) <= SAME_FACE_OVERLAP:
            return False  # of several faces of about one size, each model took another
        thresholds = Thresholds(
            active_model=model.name,
            min_similarity=model.min_similarity,
            calibrations=self._gallery.calibrations,
        )
        best = await asyncio.to_thread(self._best, face, thresholds, offered.only)
        shadow = Outcome(
            model=model.name,
            person=best.person if best else None,
            similarity=best.similarity if best else None,
            accepted=best is not None and thresholds.accepts(best),
            milliseconds=milliseconds,
        )
        return await self._store(Comparison(answer=offered.outcome, shadow=shadow))

    def _best(self, face: Face | None, thresholds: Thresholds, only: PersonType | None) -> Match | None:
        if face is None or face.embedding is None:
            return None
        # By the shadow's embeddings alone: faces that lack them cannot be found.
        probes = {thresholds.active_model: face.embedding}
        return next(iter(self._gallery.rank(probes, thresholds, only=only)), None)

    async def _store(self, comparison: Comparison) -> bool:
        outcomes = (comparison.answer, comparison.shadow)
        people = {outcome.person for outcome in outcomes if outcome.person is not None}

        def store(records: Records) -> bool:
            # Whoever was erased while the picture waited must leave no trace here; nor who is being erased.
            records.changes.lock()
            if not all(records.faces.count(person) for person in people):
                return False
            records.comparisons.add(comparison)
            return True

        return await self._database.run(store)
