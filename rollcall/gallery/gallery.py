"""The gallery of one process: filled from the database, and following its change table."""

import logging
import threading
from collections.abc import Mapping, Sequence

from rollcall.core.calibration import Calibrations
from rollcall.core.errors import DatabaseError
from rollcall.core.faces import Embedding
from rollcall.core.matching import Match, Thresholds
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.ports import Database, Records
from rollcall.core.records import SHARED, News, Position, StoredCalibration
from rollcall.gallery.index import Index

logger = logging.getLogger("rollcall.gallery")


class FaceGallery:
    """Implements core.ports.Gallery. Readers use an immutable index; `refresh` swaps in a newer one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._started = 0
        self._finished = 0
        self._failure: DatabaseError | None = None
        self._position: Position | None = None
        self._index = Index()
        self._calibrations = Calibrations()

    @property
    def calibrations(self) -> Calibrations:
        return self._calibrations

    def refresh(self) -> None:
        # Any refresh that starts after this moment sees all that was committed before it, so callers that
        # waited for the lock while another made such a refresh need not ask the database again.
        needed = self._started + 1
        with self._lock:
            if self._finished >= needed:
                # It may have failed; asking again one after the other would add up the waits.
                if self._failure is not None:
                    raise self._failure
                return
            self._started += 1
            self._failure = None
            try:
                self._follow()
            except DatabaseError as error:
                self._failure = error
                raise
            finally:
                self._finished = self._started

    def _follow(self) -> None:
        index = self._index
        with self._database.transaction() as records:
            # The position first: what is committed in between is read twice rather than missed.
            news = self._news(records)
            if news.changed is None:
                index = Index(records.faces.embeddings())
            elif faces := news.changed - {SHARED}:
                index = index.changed(faces, records.faces.embeddings(faces))
            if news.changed is None or SHARED in news.changed:
                self._calibrate(records.calibrations.all())
        self._index = index
        self._position = news.position

    def _calibrate(self, found: Sequence[StoredCalibration]) -> None:
        for entry in found:
            logger.info("Model %s has a calibration of %s", entry.model, entry.stored_at)
        self._calibrations = Calibrations(stored={entry.model: entry.calibration for entry in found})

    def _news(self, records: Records) -> News:
        if self._position is None:
            return News(position=records.changes.latest(), changed=None)
        return records.changes.after(self._position)

    def models_besides(self, model: str, only: PersonType | None = None) -> frozenset[str]:
        return self._index.models_besides(model, only)

    def rank(
        self,
        probes: Mapping[str, Embedding],
        thresholds: Thresholds,
        *,
        only: PersonType | None = None,
        limit: int = 1,
    ) -> Sequence[Match]:
        return self._index.rank(probes, thresholds, only=only, limit=limit)

    def compare(
        self, probes: Mapping[str, Embedding], person: PersonKey, thresholds: Thresholds
    ) -> Match | None:
        return self._index.compare(probes, person, thresholds)
