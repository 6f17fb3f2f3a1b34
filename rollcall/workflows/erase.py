"""Erase everything about one person, and say what it was."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from rollcall.core.erasure import ORPHANS, Eraser, Erasure, Traces
from rollcall.core.errors import PersonNotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was deleted. It holds the code, and nothing else that was known of the person."""

    erased_at: datetime
    erasure: Erasure
    traces: Traces

    def to_json(self) -> str:
        erasure, traces = self.erasure, self.traces
        told = {
            "erased_at": self.erased_at.isoformat(),
            "person_type": erasure.person.type.value,
            "person_code": erasure.person.code,
            "deleted_rows": dict(traces.rows),
            "face_ids": traces.face_ids,
            "kept_rows": dict(traces.kept),
            "picture_cleared": erasure.keep_person,
            "tables_that_cascade": traces.cascades,
        }
        return json.dumps(told, indent=2)


class Erase:
    """`rollcall erase`."""

    def __init__(self, *, eraser: Eraser) -> None:
        self._eraser = eraser

    def look(self, erasure: Erasure) -> Traces:
        """What would be deleted.

        Raises:
            PersonNotFound: nothing is known of that code.
        """
        traces = self._eraser.find(erasure)
        if not any({**traces.rows, ORPHANS: 0}.values()) and not any(traces.kept.values()):
            raise PersonNotFound("Nothing is known of that code.")
        return traces

    def run(self, erasure: Erasure) -> Receipt:
        """Delete it.

        Raises:
            PersonNotFound: nothing is known of that code.
            InvalidRequest: a table of the school's own refers to the rows; nothing was deleted.
        """
        self.look(erasure)
        traces = self._eraser.erase(erasure)
        return Receipt(erased_at=datetime.now(UTC).replace(microsecond=0), erasure=erasure, traces=traces)
