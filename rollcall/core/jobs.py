"""Jobs that a server does in the background, for all servers of a database."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from rollcall.core.callers import Caller
from rollcall.core.imports import ImportedRow, ImportMode, PhotoList, RowOutcome
from rollcall.core.people import PersonType

LISTED_JOBS: Final = 100
LISTED_ROWS: Final = 100
JOBS_KEPT_DAYS: Final = 30


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self not in (JobState.WAITING, JobState.RUNNING)


class JobKind(StrEnum):
    IMPORT = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCounts:
    """Rows that are done, by what became of them. `warnings`: enrolled ones with something to look at."""

    enrolled: int = 0
    skipped: int = 0
    failed: int = 0
    warnings: int = 0

    @property
    def done(self) -> int:
        return self.enrolled + self.skipped + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """An import that somebody asks for."""

    id: str
    person_type: PersonType
    mode: ImportMode
    dry_run: bool
    total: int
    caller: Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """How an import stands. Moments are seconds since 1970 by the database's clock.

    `rows_per_second` is that of late while it runs, and of all of it afterwards.
    """

    id: str
    kind: JobKind
    state: JobState
    person_type: PersonType
    mode: ImportMode
    dry_run: bool
    total: int
    counts: JobCounts
    rows_per_second: float | None
    problem: str | None
    caller: Caller
    created: int
    begun: int | None
    ended: int | None

    @property
    def seconds_left(self) -> int | None:
        """None where it cannot be told."""
        if self.state is not JobState.RUNNING or not self.rows_per_second:
            return None
        return max(0, round((self.total - self.counts.done) / self.rows_per_second))


class Jobs(Protocol):
    """RollcallJobs and RollcallJobRows."""

    def add(self, job: NewJob) -> None:
        """Let it wait for its turn."""
        ...

    def of(self, id: str) -> Job | None: ...

    def newest(self, limit: int) -> Sequence[Job]:
        """The newest first."""
        ...

    def unclaimed(self, *, stale_seconds: int) -> Sequence[str]:
        """Those that wait, or whose server was not seen for so long, the oldest first."""
        ...

    def claim(self, id: str, owner: str, *, stale_seconds: int) -> Job | None:
        """Take one of those for this process; None if another one did, or it has ended."""
        ...

    def advance(self, id: str, owner: str, rows_per_second: float | None) -> bool:
        """Note that its owner lives; False if it is not the owner's, or has ended."""
        ...

    def record(self, id: str, owner: str, first: int, rows: Sequence[ImportedRow]) -> bool:
        """Add rows to its report and count them; False if it is not the owner's, or has ended.

        `first` is the number of the first, from 1. Rows that are there already are not added again.
        """
        ...

    def release(self, id: str, owner: str) -> None:
        """Let another process go on with it: this one stops."""
        ...

    def end(self, id: str, state: JobState, problem: str | None = None) -> bool:
        """End it; False if it had ended already."""
        ...

    def rows(
        self, id: str, *, after: int, limit: int, notable: bool = False
    ) -> Sequence[tuple[int, ImportedRow]]:
        """Rows of its report after a number, each with its number; `notable`: not those plainly enrolled, and
        first those that failed or are duplicates, then those with a warning."""
        ...

    def open(self) -> Sequence[str]:
        """Those that have not ended."""
        ...

    def note_waiting(self, ids: Sequence[str]) -> None:
        """Note that the uploads of these are there, for those that wait."""
        ...

    def fail_lost(self, seconds: int, problem: str) -> int:
        """End those of which nobody was heard for so long; returns how many."""
        ...

    def forget_old(self, days: int) -> int:
        """Delete jobs that ended so long ago, with their rows; returns how many jobs."""
        ...


class Upload(Protocol):
    """What a caller sends for a job, as it comes. All of it blocks.

    Raises:
        ImageTooLarge: it is more than MAX_IMPORT_MB.
        StorageFull: the disk has no room for it. Nothing is left of it.
    """

    id: str

    def write(self, part: str, data: bytes) -> None:
        """Append to the file `photos` or `csv`."""
        ...

    def keep(self) -> None:
        """All has come."""
        ...

    def discard(self) -> None: ...


class Uploads(Protocol):
    """The folder IMPORT_DIR. All of it blocks."""

    @property
    def max_bytes(self) -> int:
        """MAX_IMPORT_MB."""
        ...

    def begin(self, declared_bytes: int | None) -> Upload:
        """Raises as Upload."""
        ...

    def ids(self) -> Sequence[str]:
        """Of the uploads that are here and complete."""
        ...

    def open(self, id: str) -> PhotoList:
        """The list of an upload.

        Raises:
            InvalidRequest: its zip or CSV file cannot be used; the message says why.
        """
        ...

    def remove(self, id: str) -> None:
        """Delete it; nothing happens where there is none."""
        ...

    def sweep(self, known: Sequence[str]) -> None:
        """Delete what is left of uploads that were broken off, and of jobs that are not among those known."""
        ...


class Report(Protocol):
    """A job's report as a CSV file."""

    def head(self) -> bytes: ...

    def lines(self, rows: Sequence[ImportedRow]) -> bytes: ...


def counted(rows: Sequence[ImportedRow]) -> JobCounts:
    """What rows add to a job's counts. A duplicate line is not carried out, so it counts as failed."""
    outcomes = [row.outcome for row in rows]
    enrolled, skipped = outcomes.count(RowOutcome.ENROLLED), outcomes.count(RowOutcome.SKIPPED)
    warnings = sum(row.outcome is RowOutcome.ENROLLED and not row.plain for row in rows)
    return JobCounts(
        enrolled=enrolled, skipped=skipped, failed=len(rows) - enrolled - skipped, warnings=warnings
    )
