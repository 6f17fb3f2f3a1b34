"""The append-only change table."""

from collections.abc import Iterable

from sqlalchemy import Connection, func, insert, select

from db import tables
from db.locking import lock


class SqlChanges:
    """All SQL about changes of faces. The caller owns the transaction.

    Change numbers become visible in their order: a number is only given under the lock, which is held
    until the commit, so that no smaller number can be committed after a greater one.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self) -> None:
        """Let no other transaction change faces, persons or attendance until this one ends.

        What is read afterwards is current. Faces, People and Attendance take the lock themselves before
        they write; call it where a decision is read first.
        """
        lock(self._connection)

    def latest(self) -> int:
        """The number of the last change; 0 if there was none."""
        return self._connection.execute(select(func.max(tables.changes.c.Id))).scalar() or 0

    def since(self, number: int) -> tuple[int, frozenset[int]]:
        """The last change's number, and the Ids of the faces changed after `number`.

        The last number is below `number` when an older state of the database was restored.
        """
        # The last number first: what is committed between the two queries belongs to the next call.
        last = self.latest()
        column = tables.changes.c.Id
        query = select(tables.changes.c.FaceId).where(column > number, column <= last)
        return last, frozenset(self._connection.execute(query).scalars())

    def append(self, face_ids: Iterable[int]) -> None:
        """Record that these faces changed, in this transaction."""
        lock(self._connection)
        rows = [{"FaceId": face_id} for face_id in face_ids]
        if rows:
            self._connection.execute(insert(tables.changes), rows)
