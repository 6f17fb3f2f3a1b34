"""AttendanceRecords of the users' sessions."""

from sqlalchemy import ColumnElement, Connection, and_, func, insert, inspect, select, update

from db import tables
from db.expressions import has_code
from db.locking import lock
from rollcall.core.attendance import counting
from rollcall.core.records import AttendanceStatus


class SqlAttendance:
    """All SQL about attendance. The caller owns the transaction. Dates are the database's clock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ensure_session(self, session_id: int) -> bool:
        """Whether the session exists. In a Sessions table made by us an absent one is added."""
        if self.has_session(session_id):
            return True
        if not self.sessions_are_ours():
            return False
        lock(self._connection)
        # Another transaction may have added it before the lock was ours.
        if not self.has_session(session_id):
            self._connection.execute(insert(tables.sessions).values(Id=session_id))
        return True

    def status_of(self, session_id: int, student_code: str) -> AttendanceStatus | None:
        """The student's status; `Absent` only if no row of the session says otherwise.

        A status that is none of the three counts as `Present`: the row is somebody else's, and stays.
        """
        query = select(tables.attendance_records.c.Status).where(_row_of(session_id, student_code))
        rows = self._connection.execute(query.order_by(tables.attendance_records.c.Id)).scalars()
        statuses = [status_of_text(value) for value in rows]
        return statuses[counting(statuses)] if statuses else None

    def add(self, session_id: int, student_code: str, status: AttendanceStatus) -> None:
        """Insert a row, dated now."""
        lock(self._connection)
        now = func.current_timestamp()
        self._connection.execute(
            insert(tables.attendance_records).values(
                SessionId=session_id,
                StudentCode=student_code,
                Status=status.value,
                AttendanceDate=now,
                CreatedDate=now,
            )
        )

    def change(self, session_id: int, student_code: str, status: AttendanceStatus) -> None:
        """Give the student's rows of the session another status, dated now."""
        lock(self._connection)
        self._connection.execute(
            update(tables.attendance_records)
            .where(_row_of(session_id, student_code))
            .values(Status=status.value, AttendanceDate=func.current_timestamp())
        )

    def has_session(self, session_id: int) -> bool:
        """Whether the session has a row."""
        query = select(tables.sessions.c.Id).where(tables.sessions.c.Id == session_id)
        return self._connection.execute(query).first() is not None

    def sessions_are_ours(self) -> bool:
        """Whether the Sessions table was made by us, and nobody has put another in its place."""
        query = select(tables.state.c.Value).where(tables.state.c.Name == tables.SESSIONS_ROW)
        if self._connection.execute(query).scalar() != tables.SESSIONS_ARE_OURS:
            return False
        # The users may have put their own table in the place of ours since; theirs is more than an Id.
        return [column["name"] for column in inspect(self._connection).get_columns("Sessions")] == ["Id"]


def _row_of(session_id: int, student_code: str) -> ColumnElement[bool]:
    table = tables.attendance_records
    return and_(table.c.SessionId == session_id, has_code(table.c.StudentCode, [student_code]))


def status_of_text(value: str | None) -> AttendanceStatus:
    """What a row's Status means; one that is none of the three counts as `Present`."""
    known = {status.value.lower(): status for status in AttendanceStatus}
    return known.get((value or "").strip().lower(), AttendanceStatus.PRESENT)
