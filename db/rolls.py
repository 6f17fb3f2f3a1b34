"""What the roll of a session is called from. Nothing here writes."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Column, Connection, String, distinct, func, not_, or_, select, type_coerce

from db import tables
from db.attendance import SqlAttendance, status_of_text
from db.dates import date_of
from db.expressions import code_key, plain_code_key
from db.person_rows import PersonRow, person_rows, text_or_none
from rollcall.core.attendance import Mark, SessionMarks, Student
from rollcall.core.people import PersonType, fold_code
from rollcall.core.records import AttendanceStatus

_RECORDS = tables.attendance_records


class SqlRolls:
    """All SQL about the roll. The caller owns the transaction.

    Users' tables may have no index: a session's rows are read once, and put to the students in Python.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._attendance = SqlAttendance(connection)

    def sessions(self, limit: int) -> Sequence[SessionMarks]:
        """Those of the highest Ids, in descending order."""
        ids = set(self._newest(tables.sessions.c.Id, limit))
        if self._attendance.sessions_are_ours():
            # Old records without a foreign key may name sessions that our table lacks.
            ids.update(self._newest(_RECORDS.c.SessionId, limit))
        newest = sorted(ids, reverse=True)[:limit]
        marks = self._marks_of(newest)
        return [
            marks.get(session_id, SessionMarks(session_id=session_id, marked=0, last_marked=None))
            for session_id in newest
        ]

    def knows_session(self, session_id: int) -> bool:
        """Whether there is such a session, or could be: in a Sessions table made by us any can."""
        return self._attendance.sessions_are_ours() or self._attendance.has_session(session_id)

    def students(self) -> Sequence[Student]:
        """All rows that have a code, in order of their Ids."""
        query = person_rows(self._connection, PersonType.STUDENT)
        rows = (PersonRow.of(row) for row in self._connection.execute(query))
        return [Student(code=row.code, name=row.name, form=row.group, campus=row.campus) for row in rows]

    def marks(self, session_id: int) -> Sequence[Mark]:
        """All rows of a session, in order of their Ids."""
        # As text: an old row's date may be none that SQLAlchemy can read.
        at = type_coerce(_RECORDS.c.AttendanceDate, String).label("at")
        query = select(_RECORDS.c.StudentCode, _RECORDS.c.Status, at).order_by(_RECORDS.c.Id)
        return [
            Mark(
                student_code=str(row.StudentCode).rstrip(" "),
                status=status_of_text(row.Status),
                at=date_of(row.at),
            )
            for row in self._connection.execute(query.where(_RECORDS.c.SessionId == session_id))
        ]

    def groups(self) -> tuple[Sequence[str], Sequence[str]]:
        """The forms and the campuses of all students, each once, in order."""
        rows = person_rows(self._connection, PersonType.STUDENT).order_by(None).subquery()
        pairs = self._connection.execute(select(rows.c.group, rows.c.campus).distinct()).all()
        return _each_once(pair.group for pair in pairs), _each_once(pair.campus for pair in pairs)

    def _newest(self, column: Column[int], limit: int) -> Sequence[int]:
        query = select(column).distinct().order_by(column.desc()).limit(limit)
        return self._connection.execute(query).scalars().all()

    def _marks_of(self, session_ids: Sequence[int]) -> dict[int, SessionMarks]:
        status = _RECORDS.c.Status
        absent = plain_code_key(func.trim(status)) == fold_code(AttendanceStatus.ABSENT)
        query = (
            select(
                _RECORDS.c.SessionId,
                func.count(distinct(code_key(_RECORDS.c.StudentCode))).label("marked"),
                type_coerce(func.max(_RECORDS.c.AttendanceDate), String).label("last"),
            )
            .where(_RECORDS.c.SessionId.in_(session_ids), or_(status.is_(None), not_(absent)))
            .group_by(_RECORDS.c.SessionId)
        )
        return {
            row.SessionId: SessionMarks(
                session_id=row.SessionId, marked=row.marked, last_marked=date_of(row.last)
            )
            for row in self._connection.execute(query)
        }


def _each_once(values: Iterable[object]) -> list[str]:
    """Without regard to case, as they are compared."""
    found: dict[str, str] = {}
    for value in values:
        if text := text_or_none(value):
            found.setdefault(fold_code(text), text)
    return [found[folded] for folded in sorted(found)]
