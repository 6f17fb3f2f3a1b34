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
from rollcall.core.records import SHARED, StoredCalibration, StoredEmbedding
from rollcall.core.shared_settings import SharedSettings
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
        self._last_change: int | None = None
        self._faces: dict[int, list[StoredEmbedding]] = {}
        self._index = Index(())
        self._calibrations = Calibrations()
        self._shared = SharedSettings()

    @property
    def calibrations(self) -> Calibrations:
        return self._calibrations

    @property
    def shared(self) -> SharedSettings:
        return self._shared

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
        with self._database.transaction() as records:
            # The number first: what is committed in between is read twice rather than missed.
            number, changed = self._news(records)
            if changed is not None and not changed:
                return
            entries = list(records.faces.embeddings(changed))
            if changed is None or SHARED in changed:
                self._calibrate(records.calibrations.all())
                self._shared = records.settings.all()
        if changed is None:
            self._faces.clear()
        for face_id in changed or ():
            self._faces.pop(face_id, None)
        for entry in entries:
            self._faces.setdefault(entry.face_id, []).append(entry)
        self._index = Index(entry for found in self._faces.values() for entry in found)
        self._last_change = number

    def _calibrate(self, found: Sequence[StoredCalibration]) -> None:
        for entry in found:
            logger.info("Model %s has a calibration of %s", entry.model, entry.stored_at)
        self._calibrations = Calibrations(stored={entry.model: entry.calibration for entry in found})

    def _news(self, records: Records) -> tuple[int, frozenset[int] | None]:
        """The last change's number, and the changed faces; None for all of them."""
        if self._last_change is None:
            return records.changes.latest(), None
        number, changed = records.changes.since(self._last_change)
        # Fewer changes than before: an older backup was restored under the running server.
        return (number, None) if number < self._last_change else (number, changed)

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
        return self._index.rank(probes, thresholds, lambda person: only in (None, person.type), limit)

    def compare(
        self, probes: Mapping[str, Embedding], person: PersonKey, thresholds: Thresholds
    ) -> Match | None:
        ranked = self._index.rank(probes, thresholds, lambda other: other == person, limit=1)
        return ranked[0] if ranked else None
