"""Who is present, late and missing."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from pydantic import BaseModel, Field

from rollcall.api.schemas.common import SchemaOut
from rollcall.core.attendance import RollEntry, SessionMarks
from rollcall.core.records import AttendanceStatus
from rollcall.workflows.call_roll import Choices

CSV_COLUMNS: Final = ("student_code", "student_name", "form", "campus", "status", "marked_at")


class SessionMarksOut(BaseModel):
    """A session, and how it stands."""

    session_id: int = Field(description="The Id of the session.", examples=[1])
    marked: int = Field(ge=0, description="How many students are present or late.", examples=[23])
    last_marked: datetime | None = Field(
        description="When the last of them was marked (ISO 8601, by the database's clock); null before the "
        "first.",
        examples=["2026-09-01T08:30:00"],
    )

    @classmethod
    def of(cls, marks: SessionMarks) -> "SessionMarksOut":
        return cls(session_id=marks.session_id, marked=marks.marked, last_marked=marks.last_marked)


class AttendanceOut(SchemaOut):
    """What a roll can be asked for."""

    sessions: list[SessionMarksOut] = Field(
        description="The sessions of the highest Ids first, at most 100.",
        examples=[[{"session_id": 1, "marked": 23, "last_marked": "2026-09-01T08:30:00"}]],
    )
    forms: list[str] = Field(description="The forms that students have, in order.", examples=[["7A", "7B"]])
    campuses: list[str] = Field(
        description="The campuses that students have, in order.", examples=[["North", "South"]]
    )

    @classmethod
    def of(cls, choices: Choices) -> "AttendanceOut":
        return cls(
            sessions=[SessionMarksOut.of(marks) for marks in choices.sessions],
            forms=list(choices.forms),
            campuses=list(choices.campuses),
        )


class RollEntryOut(BaseModel):
    """A student in a session."""

    student_code: str = Field(description="The student's code.", examples=["S001"])
    student_name: str | None = Field(
        description="From Student; null if there is no such row, or no name in it.", examples=["Ada Lovelace"]
    )
    form: str | None = Field(description="From Student.", examples=["7A"])
    campus: str | None = Field(description="From Student.", examples=["North"])
    status: AttendanceStatus | None = Field(
        description="Present, Late or Absent; null where nothing is recorded.", examples=["Present"]
    )
    marked_at: datetime | None = Field(
        description="When it was recorded (ISO 8601, by the database's clock).",
        examples=["2026-09-01T08:30:00"],
    )

    @classmethod
    def of(cls, entry: RollEntry) -> "RollEntryOut":
        student, mark = entry.student, entry.mark
        return cls(
            student_code=student.code,
            student_name=student.name,
            form=student.form,
            campus=student.campus,
            status=entry.status,
            marked_at=mark.at if mark else None,
        )


class RollSummaryOut(BaseModel):
    """How many there are of each."""

    total: int = Field(ge=0, description="How many students are listed.", examples=[25])
    present: int = Field(ge=0, description="Those who are `Present`.", examples=[20])
    late: int = Field(ge=0, description="Those who are `Late`.", examples=[3])
    missing: int = Field(
        ge=0, description="Those who are `Absent`, or of whom nothing is recorded.", examples=[2]
    )

    @classmethod
    def of(cls, entries: Sequence[RollEntry]) -> "RollSummaryOut":
        statuses = [entry.status for entry in entries]
        present, late = statuses.count(AttendanceStatus.PRESENT), statuses.count(AttendanceStatus.LATE)
        return cls(total=len(entries), present=present, late=late, missing=len(entries) - present - late)


class RollOut(SchemaOut):
    session_id: int = Field(description="The Id of the session.", examples=[1])
    students: list[RollEntryOut] = Field(
        description="Every student asked for, and whoever else is recorded and matches, in order of their "
        "codes.",
        examples=[
            [
                {
                    "student_code": "S001",
                    "student_name": "Ada Lovelace",
                    "form": "7A",
                    "campus": "North",
                    "status": "Present",
                    "marked_at": "2026-09-01T08:30:00",
                }
            ]
        ],
    )
    summary: RollSummaryOut = Field(
        description="How many of these students there are of each.",
        examples=[{"total": 25, "present": 20, "late": 3, "missing": 2}],
    )

    @classmethod
    def of(cls, session_id: int, entries: Sequence[RollEntry]) -> "RollOut":
        return cls(
            session_id=session_id,
            students=[RollEntryOut.of(entry) for entry in entries],
            summary=RollSummaryOut.of(entries),
        )


def csv_rows(entries: Sequence[RollEntry]) -> Iterator[Sequence[str | None]]:
    """In the order of CSV_COLUMNS."""
    for entry in entries:
        student, at = entry.student, entry.mark.at if entry.mark else None
        moment = at.isoformat(sep=" ", timespec="seconds") if at else None
        yield (student.code, student.name, student.form, student.campus, entry.status, moment)
