"""The roll of a session: which students were there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rollcall.core.people import fold_code
from rollcall.core.records import AttendanceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Student:
    """A row of Student. The code is as it stands there, perhaps one that cannot be enrolled."""

    code: str
    name: str | None = None
    form: str | None = None
    campus: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A row of AttendanceRecords, by the database's clock; `at` is None where the row has no date."""

    student_code: str
    status: AttendanceStatus
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionMarks:
    """How many students are present or late in a session, and when the last of them was marked."""

    session_id: int
    marked: int
    last_marked: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RollEntry:
    """A student, and the mark that counts; None where nothing is recorded."""

    student: Student
    mark: Mark | None

    @property
    def status(self) -> AttendanceStatus | None:
        return self.mark.status if self.mark else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Whose students: without regard to case or blanks at the ends; None stands for no restriction."""

    form: str | None = None
    campus: str | None = None

    def has(self, student: Student) -> bool:
        return _is_wanted(student.form, self.form) and _is_wanted(student.campus, self.campus)


def counting(statuses: Sequence[AttendanceStatus]) -> int:
    """Which of a student's rows in a session counts: the first that is not `Absent`, else the first."""
    return next((i for i, status in enumerate(statuses) if status is not AttendanceStatus.ABSENT), 0)


def call_roll(students: Iterable[Student], marks: Iterable[Mark], selection: Selection) -> list[RollEntry]:
    """Every selected student once, and everybody else who has a mark, in order of their codes.

    Of rows with the same code the first is the student's.
    """
    rows: dict[str, list[Mark]] = {}
    for mark in marks:
        rows.setdefault(fold_code(mark.student_code), []).append(mark)
    known: dict[str, Student] = {}
    for student in students:
        known.setdefault(fold_code(student.code), student)
    for folded, found in rows.items():
        known.setdefault(folded, Student(code=found[0].student_code))
    return [
        RollEntry(student=known[folded], mark=_that_counts(rows.get(folded, [])))
        for folded in sorted(known)
        if folded and selection.has(known[folded])
    ]


def _that_counts(marks: Sequence[Mark]) -> Mark | None:
    return marks[counting([mark.status for mark in marks])] if marks else None


def _is_wanted(value: str | None, wanted: str | None) -> bool:
    return wanted is None or (value is not None and fold_code(value.strip()) == fold_code(wanted.strip()))


class Rolls(Protocol):
    """What is read of Student, Sessions and AttendanceRecords for the roll."""

    def sessions(self, limit: int) -> Sequence[SessionMarks]:
        """Those of the highest Ids, in descending order."""
        ...

    def knows_session(self, session_id: int) -> bool:
        """Whether there is such a session, or could be: in a Sessions table made by us any can."""
        ...

    def students(self) -> Sequence[Student]:
        """All rows that have a code, in order of their Ids."""
        ...

    def marks(self, session_id: int) -> Sequence[Mark]:
        """All rows of a session, in order of their Ids."""
        ...

    def groups(self) -> tuple[Sequence[str], Sequence[str]]:
        """The forms and the campuses of all students, each once, in order."""
        ...
