"""FaceData as Rollcall last saw it, to notice what other programs do there."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Insert,
    LargeBinary,
    Select,
    String,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
)

from db import tables
from db.changes import SqlChanges
from db.expressions import CHUNK
from db.locking import lock
from rollcall.core.records import EVERYTHING

_FACES: Final = tables.face_data
_KNOWN: Final = tables.known_faces


def _checksum(value: ColumnElement[Any]) -> ColumnElement[int]:
    # As bytes: SQLite may hold text that is not UTF-8, which Python cannot take.
    return func.crc32(cast(value, LargeBinary), type_=BigInteger)


def _quoted(column: ColumnElement[Any]) -> ColumnElement[str]:
    """NULL as a word and text in quotes, so that no two values look the same; ASCII for any character set."""
    return func.hex(func.quote(column), type_=String)


_PERSON_CHECK: Final = _checksum(_quoted(_FACES.c.PersonType).concat(_quoted(_FACES.c.PersonCode)))
DESCRIPTOR_CHECK: Final = _checksum(_FACES.c.FaceDescriptor)
_SEEN: Final = select(_FACES.c.Id, _PERSON_CHECK, DESCRIPTOR_CHECK)


def _insert_new(condition: ColumnElement[bool]) -> Insert:
    """Know the faces of FaceData that fulfil a condition, but for those that are known already."""
    is_new = ~exists().where(_KNOWN.c.FaceId == _FACES.c.Id)
    return insert(_KNOWN).from_select(_KNOWN.columns.keys(), _SEEN.where(condition, is_new))


# Made once, for each enrolment needs it.
_REMEMBER: Final = _insert_new(_FACES.c.Id == bindparam("face_id"))


class SqlKnownFaces:
    """All SQL about the faces we know of. The caller owns the transaction.

    Each transaction of ours that writes FaceData tells here what it did, so that what is different is another
    program's doing.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def remember(self, face_id: int) -> None:
        """Know a face as it is now, unless it is known already."""
        self._connection.execute(_REMEMBER, {"face_id": face_id})

    def forget(self, face_ids: Collection[int]) -> int:
        """Know these faces no longer, at most CHUNK of them; returns how many were known."""
        return self._connection.execute(delete(_KNOWN).where(_KNOWN.c.FaceId.in_(face_ids))).rowcount

    def forget_all(self) -> None:
        """After a restore: the next round of comparing begins with `fill`."""
        self._connection.execute(delete(_KNOWN))
        table = tables.state
        self._connection.execute(delete(table).where(table.c.Name == tables.KNOWN_FACES_ROW))

    def fill(self, after: int) -> int | None:
        """Know what FaceData holds, a chunk at each call; returns the Id to go on after, None when done.

        At the end it appends EVERYTHING: what others wrote before it was known may not be in every gallery.
        """
        if self._is_filled():
            return None
        lock(self._connection)
        # Another replica may have done it before the lock was ours.
        if self._is_filled():
            return None
        query = select(_FACES.c.Id).where(_FACES.c.Id > after).order_by(_FACES.c.Id).limit(CHUNK)
        ids: Sequence[int] = self._connection.execute(query).scalars().all()
        if ids:
            self._connection.execute(_insert_new(_between(_FACES.c.Id, after, ids[-1])))
        if len(ids) == CHUNK:
            return ids[-1]
        done = {"Name": tables.KNOWN_FACES_ROW, "Value": tables.KNOWN_FACES_ARE_FILLED}
        self._connection.execute(insert(tables.state).values(**done))
        if ids or after:
            SqlChanges(self._connection).append([EVERYTHING])
        return None

    def compare(self, after: int, *, size: int, descriptors: bool) -> tuple[int | None, Sequence[int]]:
        """The Ids of faces that differ from what is known, among about `size` known ones after an Id.

        Also returns the Id to go on after, None at the end. Without `descriptors` the long column is not
        read.
        """
        last = self._end_of(after, size)
        found = {*self._written(after, last, descriptors), *self._gone(after, last)}
        differing = sorted(found)[:CHUNK]
        # Each of the two queries gave the first ones, so there is none left out up to here.
        return (differing[-1] if len(differing) == CHUNK else last), differing

    def take_over(self, face_ids: Collection[int]) -> int:
        """Note those of the faces, at most CHUNK, that still differ, and tell the galleries.

        What we have of a face goes with the picture it was made of: where the face is gone, or has another
        descriptor. Returns how many differed.
        """
        lock(self._connection)
        known = self._checks(select(_KNOWN).where(_KNOWN.c.FaceId.in_(face_ids)))
        seen = self._checks(_SEEN.where(_FACES.c.Id.in_(face_ids)))
        changed = [face_id for face_id in face_ids if known.get(face_id) != seen.get(face_id)]
        if not changed:
            return 0
        outdated = [
            face_id
            for face_id in changed
            if face_id in known and (face_id not in seen or seen[face_id][1] != known[face_id][1])
        ]
        for table in tables.OF_A_PICTURE:
            self._connection.execute(delete(table).where(table.c.FaceId.in_(outdated)))
        self.forget(changed)
        # What was seen, not what is there now: if that is newer, the next comparison finds it.
        rows = [
            dict(zip(_KNOWN.columns.keys(), (face_id, *seen[face_id]), strict=True))
            for face_id in changed
            if face_id in seen
        ]
        if rows:
            self._connection.execute(insert(_KNOWN), rows)
        SqlChanges(self._connection).append(changed)
        return len(changed)

    def _is_filled(self) -> bool:
        query = select(tables.state.c.Value).where(tables.state.c.Name == tables.KNOWN_FACES_ROW)
        return self._connection.execute(query).first() is not None

    def _checks(self, query: Select[Any]) -> dict[int, tuple[int, int | None]]:
        """By face, of its person and of its descriptor."""
        return {row[0]: (row[1], row[2]) for row in self._connection.execute(query)}

    def _end_of(self, after: int, size: int) -> int | None:
        query = select(_KNOWN.c.FaceId).where(_KNOWN.c.FaceId > after).order_by(_KNOWN.c.FaceId)
        return self._connection.execute(query.limit(1).offset(size - 1)).scalar()

    def _written(self, after: int, last: int | None, descriptors: bool) -> Sequence[int]:
        """Faces that are not known, or not as they are."""
        differs = or_(_KNOWN.c.FaceId.is_(None), _KNOWN.c.RowCheck != _PERSON_CHECK)
        if descriptors:
            differs = or_(differs, _KNOWN.c.DescriptorCheck.is_distinct_from(DESCRIPTOR_CHECK))
        joined = _FACES.outerjoin(_KNOWN, _KNOWN.c.FaceId == _FACES.c.Id)
        query = select(_FACES.c.Id).select_from(joined).where(_between(_FACES.c.Id, after, last), differs)
        return self._connection.execute(query.order_by(_FACES.c.Id).limit(CHUNK)).scalars().all()

    def _gone(self, after: int, last: int | None) -> Sequence[int]:
        """Known faces that FaceData no longer has."""
        is_gone = ~exists().where(_FACES.c.Id == _KNOWN.c.FaceId)
        query = select(_KNOWN.c.FaceId).where(_between(_KNOWN.c.FaceId, after, last), is_gone)
        return self._connection.execute(query.order_by(_KNOWN.c.FaceId).limit(CHUNK)).scalars().all()


def _between(column: ColumnElement[int], after: int, last: int | None) -> ColumnElement[bool]:
    return column > after if last is None else and_(column > after, column <= last)
