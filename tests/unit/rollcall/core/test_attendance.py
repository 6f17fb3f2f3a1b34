"""The roll of a session, without a database."""

from datetime import datetime

from rollcall.core.attendance import Mark, RollEntry, Selection, Student, call_roll
from rollcall.core.records import AttendanceStatus

EVERYBODY = Selection()
PRESENT, LATE, ABSENT = AttendanceStatus.PRESENT, AttendanceStatus.LATE, AttendanceStatus.ABSENT


def mark(code: str, status: AttendanceStatus = PRESENT, minute: int = 0) -> Mark:
    return Mark(student_code=code, status=status, at=datetime(2026, 9, 1, 8, minute))


def found(entries: list[RollEntry]) -> list[tuple[str, AttendanceStatus | None]]:
    return [(entry.student.code, entry.status) for entry in entries]


def test_students_without_a_mark_are_on_the_roll_too() -> None:
    students = [Student(code="S2"), Student(code="S1"), Student(code="S3")]
    roll = call_roll(students, [mark("S3", LATE), mark("S1")], EVERYBODY)
    assert found(roll) == [("S1", PRESENT), ("S2", None), ("S3", LATE)]


def test_codes_are_compared_without_regard_to_case_or_trailing_blanks() -> None:
    roll = call_roll([Student(code="ab1", name="Ann")], [mark("AB1  ")], EVERYBODY)
    assert [(entry.student.name, entry.status) for entry in roll] == [("Ann", PRESENT)]


def test_a_mark_of_nobody_known_is_on_the_roll() -> None:
    assert found(call_roll([], [mark("X9")], EVERYBODY)) == [("X9", PRESENT)]


def test_several_marks_of_one_student_count_once_and_absent_only_if_none_says_otherwise() -> None:
    marks = [mark("S1", ABSENT, 1), mark("s1", LATE, 2), mark("S1", PRESENT, 3), mark("S2", ABSENT)]
    first, second = call_roll([], marks, EVERYBODY)
    assert (first.status, first.mark) == (LATE, marks[1])
    assert second.status is ABSENT


def test_of_rows_with_one_code_the_first_is_the_student() -> None:
    students = [Student(code="S1", form="7A"), Student(code="s1", form="8B")]
    assert found(call_roll(students, [], Selection(form="7A"))) == [("S1", None)]
    assert call_roll(students, [], Selection(form="8B")) == []


def test_a_selection_leaves_out_whoever_is_elsewhere_or_nowhere() -> None:
    students = [
        Student(code="S1", form="7A", campus="North"),
        Student(code="S2", form="7A", campus="South"),
        Student(code="S3", form="7B", campus="North"),
        Student(code="S4"),
    ]
    marks = [mark("S3"), mark("S9")]
    assert found(call_roll(students, marks, Selection(form="7a "))) == [("S1", None), ("S2", None)]
    assert found(call_roll(students, marks, Selection(campus="north"))) == [("S1", None), ("S3", PRESENT)]
    assert found(call_roll(students, marks, Selection(form="7A", campus="South"))) == [("S2", None)]
    assert call_roll(students, marks, Selection(form="9")) == []


def test_a_blank_code_is_nobody() -> None:
    assert call_roll([Student(code=" ")], [mark("  ")], EVERYBODY) == []
