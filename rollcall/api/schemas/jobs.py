"""/api/jobs: bulk imports in the background."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, TypeAlias

from pydantic import BaseModel, Field

from rollcall.api.schemas.common import SchemaIn, SchemaOut, TypeOfPerson
from rollcall.core.imports import ImportedRow, ImportMode, RowOutcome
from rollcall.core.jobs import Job, JobKind, JobState

JobId: TypeAlias = Annotated[
    str,
    Field(
        pattern="^[0-9a-f]{32}$",
        description="The job's id, as POST /api/jobs/import answered it.",
        examples=["9f0c1c5a6c1b4b0f8f5b6a3d2e1c0b9a"],
    ),
]
Mode: TypeAlias = Annotated[
    ImportMode,
    Field(
        description="What to do with people who have faces already, none of them from a photo of this "
        "list: reject leaves them alone, add adds the new faces, replace deletes the old ones.",
        examples=["reject"],
    ),
]
DryRun: TypeAlias = Annotated[
    bool, Field(description="Say what would be done, and enrol nobody.", examples=[False])
]


class ImportIn(SchemaIn):
    """What is wanted of an import, beside its files."""

    person_type: TypeOfPerson
    dry_run: DryRun = False
    mode: Mode = ImportMode.REJECT


class JobOut(BaseModel):
    """How a job stands."""

    id: JobId
    kind: JobKind = Field(description="What it does.", examples=["import"])
    state: JobState = Field(
        description="waiting for its turn, running, or how it ended: done, failed, cancelled.",
        examples=["running"],
    )
    dry_run: DryRun
    person_type: TypeOfPerson
    mode: Mode
    total: int | None = Field(
        description="Rows that the report will have: one for each photo, and for each line without one.",
        examples=[420],
    )
    done: int = Field(description="Rows that are done.", examples=[120])
    enrolled: int = Field(
        description="Rows whose face was enrolled, or would be in a dry run.", examples=[112]
    )
    skipped: int = Field(description="Rows whose photo or person was enrolled before.", examples=[5])
    failed: int = Field(
        description="Rows that could not be enrolled, lines that repeat a code included.", examples=[3]
    )
    warnings: int = Field(
        description="Enrolled rows that somebody should look at: several faces, or another person's face.",
        examples=[2],
    )
    faces_per_second: float | None = Field(
        description="Rows a second, of late; overall when it has ended.", examples=[31.5]
    )
    seconds_left: int | None = Field(
        description="How long it will take at that rate; null where that is unknown.", examples=[10]
    )
    problem: str | None = Field(description="Why it failed, and what to do.", examples=[None])
    created_at: str = Field(description="When it was asked for.", examples=["2026-01-05T07:00:00Z"])
    ended_at: str | None = Field(description="When it ended.", examples=[None])

    @classmethod
    def of(cls, job: Job) -> "JobOut":
        rate = job.rows_per_second
        return cls(
            id=job.id,
            kind=job.kind,
            state=job.state,
            dry_run=job.dry_run,
            person_type=job.person_type,
            mode=job.mode,
            total=job.total,
            done=job.counts.done,
            enrolled=job.counts.enrolled,
            skipped=job.counts.skipped,
            failed=job.counts.failed,
            warnings=job.counts.warnings,
            faces_per_second=None if rate is None else round(rate, 2),
            seconds_left=job.seconds_left,
            problem=job.problem,
            created_at=_moment(job.created),
            ended_at=None if job.ended is None else _moment(job.ended),
        )


_JOB_EXAMPLE = {
    "id": "9f0c1c5a6c1b4b0f8f5b6a3d2e1c0b9a",
    "kind": "import",
    "state": "running",
    "dry_run": False,
    "person_type": "student",
    "mode": "reject",
    "total": 420,
    "done": 120,
    "enrolled": 112,
    "skipped": 5,
    "failed": 3,
    "warnings": 2,
    "faces_per_second": 31.5,
    "seconds_left": 10,
    "problem": None,
    "created_at": "2026-01-05T07:00:00Z",
    "ended_at": None,
}
_ERROR_EXAMPLE = {
    "line": 12,
    "person_code": "S011",
    "photo": "S011.jpg",
    "outcome": "failed",
    "error_code": "NO_FACE_DETECTED",
    "message": "No face was found in the photo.",
    "suggestion": "Take a photo with the whole face, from the front and upright, and import again.",
    "same_face_as": None,
}
_Job: TypeAlias = Annotated[JobOut, Field(description="How it stands.", examples=[_JOB_EXAMPLE])]


class JobRowOut(BaseModel):
    """A row of the report that somebody should look at."""

    line: int | None = Field(description="The line of the list; null without a list.", examples=[12])
    person_code: str = Field(description="The code, as the list has it.", examples=["S011"])
    photo: str | None = Field(
        description="The photo, as the list or the zip names it; null for a line without one.",
        examples=["S011.jpg"],
    )
    outcome: RowOutcome = Field(
        description="enrolled (with a warning), skipped, failed, or duplicate: a line that repeats a code.",
        examples=["failed"],
    )
    error_code: str | None = Field(
        description="What is wrong, for programs; several warnings have commas between.",
        examples=["NO_FACE_DETECTED"],
    )
    message: str = Field(
        description="What is wrong, for people.", examples=["No face was found in the photo."]
    )
    suggestion: str | None = Field(
        description="What to do.", examples=["Take a photo with the whole face, and import again."]
    )
    same_face_as: str | None = Field(
        description="Type and code of the person whose face this one is like.", examples=[None]
    )

    @classmethod
    def of(cls, row: ImportedRow) -> "JobRowOut":
        trouble = row.trouble
        return cls(
            line=row.line,
            person_code=row.code,
            photo=row.photo,
            outcome=row.outcome,
            error_code=trouble.code if trouble else None,
            message=trouble.reason if trouble else "",
            suggestion=trouble.what_to_do if trouble else None,
            same_face_as=row.same_face_as,
        )


class JobBegunOut(SchemaOut):
    """A job that waits for its turn."""

    job: _Job


class JobListOut(SchemaOut):
    """The newest jobs of all servers."""

    jobs: list[JobOut] = Field(description="The newest first, 100 at most.", examples=[[_JOB_EXAMPLE]])

    @classmethod
    def of(cls, jobs: Sequence[Job]) -> "JobListOut":
        return cls(jobs=[JobOut.of(job) for job in jobs])


class JobLookOut(SchemaOut):
    """A job, and what went wrong so far."""

    job: _Job
    errors: list[JobRowOut] = Field(
        description="100 rows at most that somebody should look at: first those that failed or repeat a "
        "code, then enrolled ones with a warning, then skipped ones. The report has all.",
        examples=[[_ERROR_EXAMPLE]],
    )

    @classmethod
    def of(cls, job: Job, rows: Sequence[ImportedRow]) -> "JobLookOut":
        return cls(job=JobOut.of(job), errors=[JobRowOut.of(row) for row in rows])


class JobCancelledOut(SchemaOut):
    """A job that has ended."""

    message: str = Field(
        description="What was done.", examples=["The import is cancelled; what is enrolled stays."]
    )
    job: _Job

    @classmethod
    def of(cls, job: Job, *, was_open: bool) -> "JobCancelledOut":
        cancelled = "The import is cancelled; what is enrolled stays."
        return cls(message=cancelled if was_open else "The import had ended already.", job=JobOut.of(job))


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
