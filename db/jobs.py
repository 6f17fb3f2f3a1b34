"""Jobs of servers, and what became of each of their rows."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, case, delete, insert, or_, select, update

from db import tables
from db.expressions import chunks, unix_now
from db.locking import start_writing
from rollcall.core.callers import Caller
from rollcall.core.imports import ImportedRow, ImportMode, RowOutcome, Trouble
from rollcall.core.jobs import Job, JobCounts, JobKind, JobState, NewJob, counted
from rollcall.core.people import PersonType

_JOBS: Final = tables.jobs
_ROWS: Final = tables.job_rows
_RUNNING: Final = _JOBS.c.State == JobState.RUNNING.value
_OPEN: Final = or_(_JOBS.c.State == JobState.WAITING.value, _RUNNING)
_URGENCY: Final = case(
    {RowOutcome.ENROLLED.value: 1, RowOutcome.SKIPPED.value: 2}, value=_ROWS.c.Outcome, else_=0
)
_DAY: Final = 24 * 3600


class SqlJobs:
    """All SQL about jobs. The caller owns the transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, job: NewJob) -> None:
        """Let it wait for its turn."""
        start_writing(self._connection)
        values = {
            "JobId": job.id,
            "Kind": JobKind.IMPORT.value,
            "State": JobState.WAITING.value,
            "PersonType": job.person_type.value,
            "Mode": job.mode.value,
            "DryRun": int(job.dry_run),
            "Total": job.total,
            **dict.fromkeys(("Enrolled", "Skipped", "Failed", "Warnings"), 0),
            "Actor": job.caller.name[:100],
            "Address": job.caller.address[:64],
            "RequestId": job.caller.request_id[:64],
            "Seen": unix_now(),
            "Created": unix_now(),
        }
        self._connection.execute(insert(_JOBS).values(**values))

    def of(self, id: str) -> Job | None:
        row = self._connection.execute(select(_JOBS).where(_JOBS.c.JobId == id)).first()
        return None if row is None else _job(row)

    def newest(self, limit: int) -> Sequence[Job]:
        """The newest first."""
        query = select(_JOBS).order_by(_JOBS.c.Id.desc()).limit(limit)
        return [_job(row) for row in self._connection.execute(query)]

    def unclaimed(self, *, stale_seconds: int) -> Sequence[str]:
        """Those that wait, or whose server was not seen for so long, the oldest first."""
        query = select(_JOBS.c.JobId).where(_free(stale_seconds)).order_by(_JOBS.c.Id)
        return self._connection.execute(query).scalars().all()

    def claim(self, id: str, owner: str, *, stale_seconds: int) -> Job | None:
        """Take one of those for this process; None if another one did, or it has ended."""
        start_writing(self._connection)
        values = {"State": JobState.RUNNING.value, "Owner": owner, "Seen": unix_now(), "RowsPerSecond": None}
        mine = update(_JOBS).where(_JOBS.c.JobId == id, _free(stale_seconds)).values(**values)
        if not self._connection.execute(mine).rowcount:
            return None
        first = update(_JOBS).where(_JOBS.c.JobId == id, _JOBS.c.Begun.is_(None))
        self._connection.execute(first.values(Begun=unix_now()))
        return self.of(id)

    def advance(self, id: str, owner: str, rows_per_second: float | None) -> bool:
        """Note that its owner lives; False if it is not the owner's, or has ended."""
        start_writing(self._connection)
        values = {"Seen": unix_now(), "RowsPerSecond": rows_per_second}
        return self._connection.execute(update(_JOBS).where(*_mine(id, owner)).values(**values)).rowcount > 0

    def record(self, id: str, owner: str, first: int, rows: Sequence[ImportedRow]) -> bool:
        """Add rows to its report and count them; False if it is not the owner's, or has ended."""
        start_writing(self._connection)
        found = self._connection.execute(select(_JOBS).where(*_mine(id, owner)).with_for_update()).first()
        if found is None:
            return False
        job, new = _job(found), counted(rows)
        if job.counts.done >= first:
            return True  # they were committed, and the answer was lost
        counts = {
            "Enrolled": job.counts.enrolled + new.enrolled,
            "Skipped": job.counts.skipped + new.skipped,
            "Failed": job.counts.failed + new.failed,
            "Warnings": job.counts.warnings + new.warnings,
        }
        changed = update(_JOBS).where(_JOBS.c.JobId == id).values(**counts, Seen=unix_now())
        self._connection.execute(changed)
        self._connection.execute(
            insert(_ROWS), [_values(job, first + place, row) for place, row in enumerate(rows)]
        )
        return True

    def release(self, id: str, owner: str) -> None:
        """Let another process go on with it: this one stops."""
        start_writing(self._connection)
        waits = update(_JOBS).where(*_mine(id, owner))
        self._connection.execute(waits.values(State=JobState.WAITING.value, Owner=None))

    def end(self, id: str, state: JobState, problem: str | None = None) -> bool:
        """End it; False if it had ended already."""
        start_writing(self._connection)
        values = {"State": state.value, "Ended": unix_now(), "Problem": problem[:1000] if problem else None}
        ended = update(_JOBS).where(_JOBS.c.JobId == id, _OPEN).values(**values)
        return self._connection.execute(ended).rowcount > 0

    def rows(
        self, id: str, *, after: int, limit: int, notable: bool = False
    ) -> Sequence[tuple[int, ImportedRow]]:
        """Rows of its report after a number, each with its number; `notable`: not those plainly enrolled, and
        first those that failed or are duplicates, then those with a warning."""
        query = select(_ROWS).where(_ROWS.c.JobId == id, _ROWS.c.Number > after)
        if notable:
            query = query.where(or_(_ROWS.c.Outcome != RowOutcome.ENROLLED.value, _ROWS.c.Code.is_not(None)))
            query = query.order_by(_URGENCY)
        query = query.order_by(_ROWS.c.Number).limit(limit)
        return [(row.Number, _imported_row(row)) for row in self._connection.execute(query)]

    def open(self) -> Sequence[str]:
        """Those that have not ended."""
        return self._connection.execute(select(_JOBS.c.JobId).where(_OPEN)).scalars().all()

    def note_waiting(self, ids: Sequence[str]) -> None:
        """Note that the uploads of these are there, for those that wait."""
        start_writing(self._connection)
        waiting = update(_JOBS).where(_JOBS.c.JobId.in_(ids), _JOBS.c.State == JobState.WAITING.value)
        self._connection.execute(waiting.values(Seen=unix_now()))

    def fail_lost(self, seconds: int, problem: str) -> int:
        """End those of which nobody was heard for so long; returns how many."""
        start_writing(self._connection)
        lost = update(_JOBS).where(_OPEN, _JOBS.c.Seen < unix_now() - seconds)
        values = {"State": JobState.FAILED.value, "Ended": unix_now(), "Problem": problem}
        return self._connection.execute(lost.values(**values)).rowcount

    def forget_old(self, days: int) -> int:
        """Delete jobs that ended so long ago, with their rows; returns how many jobs."""
        start_writing(self._connection)
        old = select(_JOBS.c.JobId).where(_JOBS.c.Ended < unix_now() - days * _DAY)
        ids = self._connection.execute(old).scalars().all()
        for some in chunks(ids):
            for table in (_ROWS, _JOBS):
                self._connection.execute(delete(table).where(table.c.JobId.in_(some)))
        return len(ids)


def _free(stale_seconds: int) -> ColumnElement[bool]:
    gone = _JOBS.c.Owner.is_(None) | (_JOBS.c.Seen < unix_now() - stale_seconds)
    return or_(_JOBS.c.State == JobState.WAITING.value, _RUNNING & gone)


def _mine(id: str, owner: str) -> tuple[ColumnElement[bool], ...]:
    return _JOBS.c.JobId == id, _JOBS.c.Owner == owner, _RUNNING


def _job(row: Row[Any]) -> Job:
    return Job(
        id=row.JobId,
        kind=JobKind(row.Kind),
        state=JobState(row.State),
        person_type=PersonType(row.PersonType),
        mode=ImportMode(row.Mode),
        dry_run=bool(row.DryRun),
        total=row.Total,
        counts=JobCounts(
            enrolled=row.Enrolled, skipped=row.Skipped, failed=row.Failed, warnings=row.Warnings
        ),
        rows_per_second=row.RowsPerSecond,
        problem=row.Problem,
        caller=Caller(name=row.Actor, address=row.Address, request_id=row.RequestId),
        created=row.Created,
        begun=row.Begun,
        ended=row.Ended,
    )


def _values(job: Job, number: int, row: ImportedRow) -> dict[str, Any]:
    trouble = row.trouble
    return {
        "JobId": job.id,
        "Number": number,
        "Line": row.line,
        "PersonType": job.person_type.value,
        "PersonCode": row.code[:100],
        "PersonName": row.name[:200],
        "Photo": None if row.photo is None else row.photo[:255],
        "Outcome": row.outcome.value,
        "Code": trouble.code if trouble else None,
        "Reason": trouble.reason[:1000] if trouble else None,
        "WhatToDo": trouble.what_to_do[:1000] if trouble else None,
        "SameFaceAs": row.same_face_as,
    }


def _imported_row(row: Row[Any]) -> ImportedRow:
    trouble = None
    if row.Code is not None:
        trouble = Trouble(code=row.Code, reason=row.Reason or "", what_to_do=row.WhatToDo or "")
    return ImportedRow(
        line=row.Line,
        code=row.PersonCode or "",
        name=row.PersonName or "",
        photo=row.Photo,
        outcome=RowOutcome(row.Outcome),
        trouble=trouble,
        same_face_as=row.SameFaceAs,
    )
