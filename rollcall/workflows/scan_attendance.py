"""Mark the students in a camera picture present."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rollcall.core.database_ports import Database, Records
from rollcall.core.errors import InvalidRequest
from rollcall.core.faces import Subjects
from rollcall.core.feedback import AnsweredPicture
from rollcall.core.matching import Match
from rollcall.core.observing import Observer, RecognitionKind
from rollcall.core.people import Person, PersonType
from rollcall.core.records import AttendanceStatus, RecognitionAttempt
from rollcall.workflows.outcomes import note_outcomes
from rollcall.workflows.recognize import MAX_CANDIDATES, assign_once, elapsed_ms
from rollcall.workflows.search import Query, Search


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A student seen, and how the session's record stands now."""

    student: Person
    status: AttendanceStatus
    already_marked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    recognition_id: str  # by which feedback names it
    marked: Sequence[Marked]
    unknown_faces: int
    model: str


class ScanAttendance:
    """Recognises every student in a picture, and writes each of them once per session."""

    def __init__(self, *, search: Search, database: Database, observer: Observer) -> None:
        self._search = search
        self._observer = observer
        self._database = database

    async def run(self, picture: bytes, session_id: int, status: AttendanceStatus) -> Scan:
        """Mark the students of one picture `Present` or `Late`.

        Raises:
            InvalidRequest: there is no such session.
        """
        started = time.perf_counter()
        query = Query(picture=picture, subjects=Subjects.ALL, only=PersonType.STUDENT, limit=MAX_CANDIDATES)
        found = await self._search.read(query)
        ranking = await self._search.rank(found, query)
        chosen = assign_once(ranking.rows, ranking.thresholds)
        answered = AnsweredPicture.of(found.model.name, chosen, ranking.rows)

        def write(records: Records) -> Scan:
            # Before the lock: no index serves codes, so each is looked for in the whole table.
            students = [_student(records, match) for match in chosen if match]
            records.changes.lock()
            if not records.attendance.ensure_session(session_id):
                raise InvalidRequest("There is no session of this id.", field="session_id")
            marked = [_mark(records, student, session_id, status) for student in students]
            records.log.add(_attempts(chosen, elapsed_ms(started)))
            records.recognitions.add([answered])
            return Scan(
                recognition_id=answered.recognition_id,
                marked=marked,
                unknown_faces=len(chosen) - len(marked),
                model=found.model.name,
            )

        scan = await self._database.run(write)
        note_outcomes(self._observer, RecognitionKind.SCAN, query, found.model.name, chosen, ranking.rows)
        return scan


def _student(records: Records, match: Match) -> Person:
    return records.people.find(match.person) or Person(key=match.person, name="")


def _mark(records: Records, student: Person, session_id: int, status: AttendanceStatus) -> Marked:
    """An absent student becomes present or late; any other record stays as it is."""
    recorded = records.attendance.status_of(session_id, student.key.code)
    if recorded is None:
        records.attendance.add(session_id, student.key.code, status)
    elif recorded is AttendanceStatus.ABSENT:
        records.attendance.change(session_id, student.key.code, status)
    else:
        return Marked(student=student, status=recorded, already_marked=True)
    return Marked(student=student, status=status, already_marked=False)


def _attempts(chosen: Sequence[Match | None], spent_ms: int) -> list[RecognitionAttempt]:
    """One row per face; a picture without one is a failed attempt as well."""
    return [
        RecognitionAttempt(
            person=match.person if match else None,
            confidence=match.confidence if match else 0.0,
            processing_time_ms=spent_ms,
        )
        for match in chosen or [None]
    ]
