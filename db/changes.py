"""The append-only change table."""

import secrets
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select

from db import tables
from db.locking import lock
from rollcall.core.records import EMPTY_LOG, EVERYTHING, News, Position

FOLLOW_LIMIT: Final = 10_000  # changes told one by one; with more, reading all anew is no dearer
_STAMP_BITS: Final = 63  # what BIGINT holds
# Made once, for each enrolment needs them.
_LATEST: Final = (
    select(tables.changes.c.Id, tables.changes.c.Stamp).order_by(tables.changes.c.Id.desc()).limit(1)
)
_APPEND: Final = insert(tables.changes)


class SqlChanges:
    """All SQL about changes of faces. The caller owns the transaction.

    A number is only given under the lock, which is held until the commit, so that no smaller number can be
    committed after a greater one. It is the last one committed plus one: the database's own count would leave
    gaps where a transaction was rolled back, and a gap means that changes were lost.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self) -> None:
        """Let no other transaction change faces, persons or attendance until this one ends.

        What is read afterwards is current. Faces, People and Attendance take the lock themselves before
        they write; call it where a decision is read first.
        """
        lock(self._connection)

    def latest(self) -> Position:
        """Where the last change stands; EMPTY_LOG if there was none."""
        row = self._connection.execute(_LATEST).first()
        return EMPTY_LOG if row is None else Position(number=row.Id, stamp=row.Stamp)

    def after(self, position: Position) -> News:
        """See core.database_ports.Changes.after. Mostly one read of one row."""
        table = tables.changes
        # From the position itself on: that row tells whether this is still the history that was followed.
        query = select(table.c.Id, table.c.FaceId, table.c.Stamp).where(table.c.Id >= position.number)
        rows = self._connection.execute(query.order_by(table.c.Id).limit(FOLLOW_LIMIT + 2)).all()
        if not rows and position == EMPTY_LOG:
            return News(position=position, changed=frozenset())
        changed = frozenset(row.FaceId for row in rows[1:])
        if not _continues(position, rows) or len(rows) > FOLLOW_LIMIT + 1 or EVERYTHING in changed:
            return News(position=self.latest(), changed=None)
        return News(position=Position(number=rows[-1].Id, stamp=rows[-1].Stamp), changed=changed)

    def append(self, face_ids: Iterable[int]) -> None:
        """Record that these faces changed, in this transaction."""
        lock(self._connection)
        numbers = count(self.latest().number + 1)
        rows = [
            {"Id": next(numbers), "FaceId": face_id, "Stamp": secrets.randbits(_STAMP_BITS)}
            for face_id in face_ids
        ]
        if rows:
            self._connection.execute(_APPEND, rows)


def _continues(position: Position, rows: Sequence[Row[Any, Any, Any]]) -> bool:
    """Whether the rows begin with the position's own, and leave out no number."""
    if not rows or Position(number=rows[0].Id, stamp=rows[0].Stamp) != position:
        return False
    return bool(rows[-1].Id - rows[0].Id == len(rows) - 1)
