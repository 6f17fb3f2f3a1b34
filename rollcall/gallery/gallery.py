"""The gallery of one process: filled from the database, and following its change table."""

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rollcall.core.calibration import Calibrations
from rollcall.core.database_ports import Database, Records
from rollcall.core.errors import DatabaseError
from rollcall.core.faces import Embedding, Embeddings
from rollcall.core.matching import Match, Thresholds
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import SHARED, News, Position, StoredEmbeddings
from rollcall.core.rounds import Rounds
from rollcall.core.shared_settings import SharedSettings
from rollcall.gallery.index import Index

logger = logging.getLogger("rollcall.gallery")

# Loading a large school from a distant database may take longer than any caller waits.
LOAD_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What was read, and up to which change."""

    index: Index
    calibrations: Calibrations
    shared: SharedSettings
    position: Position | None


class FaceGallery:
    """Implements core.ports.Gallery. Readers use an immutable state; `follow` swaps in a newer one."""

    def __init__(self, database: Database, *, limit: float) -> None:
        """`limit`: how many seconds a caller of `refresh` waits."""
        self._database = database
        self._rounds = Rounds(self._round, limit)
        self._lock = threading.Lock()
        self._state = _State(
            index=Index(), calibrations=Calibrations(), shared=SharedSettings(), position=None
        )

    @property
    def calibrations(self) -> Calibrations:
        return self._state.calibrations

    @property
    def shared(self) -> SharedSettings:
        return self._state.shared

    async def refresh(self) -> None:
        try:
            await self._rounds.join(None)
        except TimeoutError:
            raise DatabaseError("The database did not answer in time.") from None

    async def _round(self, _callers: Sequence[None]) -> None:
        await asyncio.to_thread(self.follow)

    def follow(self) -> None:
        """What `refresh` does, in this thread and for this caller alone."""
        with self._lock:
            self._state = self._database.run_sync(self._read, LOAD_SECONDS)

    def _read(self, records: Records) -> _State:
        former = self._state
        # The position first: what is committed in between is read twice rather than missed.
        news = self._news(records)
        index, calibrations, shared = former.index, former.calibrations, former.shared
        if news.changed is None:
            index = Index(records.faces.embeddings())
        elif faces := news.changed - {SHARED}:
            index = index.changed(faces, records.faces.embeddings(faces))
        if news.changed is None or SHARED in news.changed:
            calibrations, shared = _calibrations(records), records.settings.all()
        return _State(index=index, calibrations=calibrations, shared=shared, position=news.position)

    def _news(self, records: Records) -> News:
        if self._state.position is None:
            return News(position=records.changes.latest(), changed=None)
        return records.changes.after(self._state.position)

    def models_besides(self, model: str, only: PersonType | None = None) -> frozenset[str]:
        return self._state.index.models_besides(model, only)

    def version(self) -> object:
        return self._state.index

    def counts(self) -> Mapping[str, int]:
        return self._state.index.counts()

    def faces_of(self, model: str) -> StoredEmbeddings | None:
        return self._state.index.faces_of(model)

    def rank(
        self,
        probes: Mapping[str, Embedding],
        thresholds: Thresholds,
        *,
        only: PersonType | None = None,
        limit: int = 1,
    ) -> Sequence[Match]:
        return self._state.index.rank(probes, thresholds, only=only, limit=limit)

    def compare(
        self, probes: Mapping[str, Embedding], person: PersonKey, thresholds: Thresholds
    ) -> Match | None:
        return self._state.index.compare(probes, person, thresholds)

    def likest_others(
        self, model: str, probes: Embeddings, people: Sequence[PersonKey]
    ) -> Sequence[tuple[PersonKey, float] | None]:
        return self._state.index.likest_others(model, probes, people)


def _calibrations(records: Records) -> Calibrations:
    found = records.calibrations.all()
    for entry in found:
        logger.info("Model %s has a calibration of %s", entry.model, entry.stored_at)
    return Calibrations(stored={entry.model: entry.calibration for entry in found})
