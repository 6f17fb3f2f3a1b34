"""Erase everything about one person, and say what it was."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rollcall.core.erasure import Erased, Eraser, Erasure, Traces


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was deleted. It holds the code, and nothing else that was known of the person."""

    erased_at: datetime
    erasure: Erasure
    erased: Erased

    def to_json(self) -> str:
        erasure, traces = self.erasure, self.erased.traces
        told: dict[str, Any] = {
            "erased_at": self.erased_at.isoformat(),
            "person_type": erasure.person.type.value,
            "person_code": erasure.person.code,
            "deleted_rows": dict(traces.rows),
            "face_ids": traces.face_ids,
            "kept_rows": dict(traces.kept),
            "picture_cleared": traces.clears_picture,
            "tables_that_cascade": traces.cascades,
            "audit_entries_blanked": traces.audit_entries,
        }
        if self.erased.wal_emptied is not None:
            told["wal_emptied"] = self.erased.wal_emptied
        return json.dumps(told, indent=2)


class Erase:
    """`rollcall erase`."""

    def __init__(self, *, eraser: Eraser) -> None:
        self._eraser = eraser

    def look(self, erasure: Erasure) -> Traces:
        """What would be deleted.

        Raises:
            PersonNotFound, InvalidRequest: as Eraser.find.
        """
        return self._eraser.find(erasure)

    def run(self, erasure: Erasure) -> Receipt:
        """Delete it.

        Raises:
            PersonNotFound, InvalidRequest: as Eraser.erase.
        """
        erased = self._eraser.erase(erasure)
        return Receipt(erased_at=datetime.now(UTC).replace(microsecond=0), erasure=erasure, erased=erased)
