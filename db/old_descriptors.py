"""FaceDescriptors of the old server: put away for newer ones, and put back."""

import json
import zlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    delete,
    exists,
    func,
    insert,
    literal,
    not_,
    select,
    text,
    update,
)

from db import tables
from db.changes import SqlChanges
from db.embeddings import from_blob, from_old_descriptor, to_blob, to_json
from db.known_faces import DESCRIPTOR_CHECK, SqlKnownFaces
from db.listing import has_image
from db.locking import lock
from db.old_rows import WINDOW, candidates, find_old_rows, picture_of
from db.storage_engines import without_transactions
from rollcall.core.errors import InvalidRequest
from rollcall.core.faces import Embedding
from rollcall.core.legacy import Fault, Looked, Move, OldRow, OldRows, PictureSource

_FACES: Final = tables.face_data
_OLD: Final = tables.old_descriptors
_OURS: Final = tables.embeddings

_SAME_PICTURE: Final = 0.99  # least cosine of two embeddings of it by two backends

_GONE: Final = "It was deleted by another program; a running server clears away what is left of it."
_CHANGED: Final = "Another program has changed its FaceDescriptor since."
_NOT_MOVED: Final = "It has not been moved."

_UPDATED_BY_THEMSELVES: Final = text(
    "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()"
    " AND LOWER(TABLE_NAME) = 'facedata' AND LOWER(EXTRA) LIKE '%on update%'"
)


class SqlOldDescriptors:
    """Implements core.legacy.OldDescriptors. The caller owns the transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def require_transactions(self) -> None:
        """See the Protocol."""
        if without_transactions(self._connection, [_FACES.name]):
            raise InvalidRequest(
                "FaceData knows no transactions (MyISAM): descriptors could be lost half-way. "
                "ALTER TABLE FaceData ENGINE=InnoDB converts it."
            )

    def count(self) -> int:
        """See the Protocol."""
        return int(self._connection.execute(candidates(func.count())).scalar_one())

    def rows(self, after: int) -> OldRows:
        """See the Protocol."""
        return find_old_rows(self._connection, after)

    def picture(self, row: OldRow) -> bytes | None:
        """See the Protocol."""
        return picture_of(self._connection, row)

    def move(self, move: Move) -> bool:
        """See the Protocol."""
        lock(self._connection)
        face_id = move.row.id
        if self._is_moved(face_id):
            return True
        if not self._is_as_read(move):
            return False
        # What we have of a picture or a descriptor that another program has replaced is not this one's.
        SqlKnownFaces(self._connection).take_over([face_id])
        self._connection.execute(delete(_OLD).where(_OLD.c.FaceId == face_id))
        stored = self._stored(face_id, move)
        self._put_away(move, made_embedding=stored is None)
        self._write(face_id, move.embedding if stored is None else stored)
        if stored is None:
            self._put_embedding(move)
        self._tell([face_id])
        return True

    def check(self, after: int) -> Looked:
        """See the Protocol."""
        embedding = select(_OURS.c.Vector).where(
            _OURS.c.FaceId == _OLD.c.FaceId, _OURS.c.Model == _OLD.c.Model
        )
        vector = embedding.scalar_subquery().label("vector")
        any_embedding = exists().where(_OURS.c.FaceId == _OLD.c.FaceId, _OURS.c.Vector.is_not(None))
        embedded = any_embedding.label("embedded")
        query = _moved(after, _OLD.c.Descriptor, _FACES.c.FaceDescriptor, vector, embedded)
        rows = self._connection.execute(query).all()
        faults = [
            Fault(face_id=row.FaceId, problem=problem)
            for row in rows
            if (problem := _changed(row) or _problem(row)) is not None
        ]
        wrong = {fault.face_id for fault in faults}
        right = [row.FaceId for row in rows if row.FaceId not in wrong]
        return Looked(right=right, faults=faults, last_id=_last([row.FaceId for row in rows]))

    def put_back(self, after: int, face_ids: Collection[int] | None = None) -> Looked:
        """See the Protocol."""
        lock(self._connection)
        wanted = None if face_ids is None else sorted(id for id in set(face_ids) if id > after)[:WINDOW]
        query = _moved(after) if wanted is None else _moved(after).where(_OLD.c.FaceId.in_(wanted))
        rows = self._connection.execute(query.with_for_update()).all()
        found = [row.FaceId for row in rows]
        faults = [
            Fault(face_id=row.FaceId, problem=problem)
            for row in rows
            if (problem := _changed(row)) is not None
        ]
        faults += [Fault(face_id=id, problem=_NOT_MOVED) for id in wanted or () if id not in set(found)]
        left = {fault.face_id for fault in faults}
        self._restore([row for row in rows if row.FaceId not in left])
        return Looked(
            right=[id for id in found if id not in left],
            faults=faults,
            last_id=_last(found if wanted is None else wanted),
        )

    def _is_moved(self, face_id: int) -> bool:
        joined = _OLD.join(_FACES, _FACES.c.Id == _OLD.c.FaceId)
        query = select(_OLD.c.NewCheck, DESCRIPTOR_CHECK.label("check_sum")).select_from(joined)
        row = self._connection.execute(query.where(_OLD.c.FaceId == face_id)).first()
        return row is not None and row.NewCheck == row.check_sum

    def _is_as_read(self, move: Move) -> bool:
        row = move.row
        pictured = not_(func.coalesce(has_image(), literal(False)))
        if row.source is PictureSource.OWN:
            pictured = func.crc32(_FACES.c.ImageData) == zlib.crc32(move.picture)
        query = select(DESCRIPTOR_CHECK).where(_FACES.c.Id == row.id, pictured)
        # Other programs do not ask for our lock, and must not change the row until it is written.
        return self._connection.execute(query.with_for_update()).scalar() == row.check

    def _stored(self, face_id: int, move: Move) -> Embedding | None:
        """The face's embedding by that model, if our table has one of the same picture."""
        query = select(_OURS.c.Vector).where(_OURS.c.FaceId == face_id, _OURS.c.Model == move.model)
        blob = self._connection.execute(query).scalar()
        if blob is None or len(blob) != len(to_blob(move.embedding)):
            return None
        vector = from_blob(blob)
        if not np.isfinite(vector).all():
            return None
        # A row without a picture keeps what it has, which could not be made again.
        has_picture = move.row.source is PictureSource.OWN
        return None if has_picture and vector @ move.embedding < _SAME_PICTURE else vector

    def _put_away(self, move: Move, *, made_embedding: bool) -> None:
        # Within the database, so that not a byte of it can change on the way.
        old = select(
            _FACES.c.Id,
            _FACES.c.FaceDescriptor,
            literal(move.model),
            literal(int(made_embedding)),
            literal(0),
            func.current_timestamp(),
        ).where(_FACES.c.Id == move.row.id)
        self._connection.execute(insert(_OLD).from_select(list(_OLD.columns.keys()), old))

    def _write(self, face_id: int, embedding: Embedding) -> None:
        table, unchanged = self._faces_to_update()
        new = {"FaceDescriptor": to_json(embedding), **unchanged}
        self._connection.execute(update(table).where(table.c.Id == face_id).values(new))
        # By the database, for the column may have any character set.
        check = select(DESCRIPTOR_CHECK).where(_FACES.c.Id == face_id).scalar_subquery()
        self._connection.execute(update(_OLD).where(_OLD.c.FaceId == face_id).values(NewCheck=check))

    def _put_embedding(self, move: Move) -> None:
        # What may be there is a note that no face was found, or is of no use.
        is_it = (_OURS.c.FaceId == move.row.id, _OURS.c.Model == move.model)
        self._connection.execute(delete(_OURS).where(*is_it))
        row = {"FaceId": move.row.id, "Model": move.model, "Vector": to_blob(move.embedding)}
        self._connection.execute(insert(_OURS).values(**row, CreatedDate=func.current_timestamp()))

    def _restore(self, rows: Sequence[Row[Any]]) -> None:
        ids = [row.FaceId for row in rows]
        if not ids:
            return
        table, unchanged = self._faces_to_update()
        old = select(_OLD.c.Descriptor).where(_OLD.c.FaceId == table.c.Id).scalar_subquery()
        self._connection.execute(
            update(table).where(table.c.Id.in_(ids)).values(FaceDescriptor=old, **unchanged)
        )
        for model in {row.Model for row in rows}:
            made = [row.FaceId for row in rows if row.MadeEmbedding and row.Model == model]
            self._connection.execute(delete(_OURS).where(_OURS.c.FaceId.in_(made), _OURS.c.Model == model))
        self._connection.execute(delete(_OLD).where(_OLD.c.FaceId.in_(ids)))
        self._tell(ids)

    def _tell(self, face_ids: Sequence[int]) -> None:
        known = SqlKnownFaces(self._connection)
        known.forget(face_ids)
        for face_id in face_ids:
            known.remember(face_id)
        SqlChanges(self._connection).append(face_ids)

    def _faces_to_update(self) -> tuple[Table, Mapping[str, Column[Any]]]:
        """FaceData, and columns to be set to themselves: MySQL updates some unless they are named."""
        names: Sequence[str] = []
        if self._connection.dialect.name == "mysql":
            names = self._connection.execute(_UPDATED_BY_THEMSELVES).scalars().all()
        columns: list[Column[Any]] = [Column(name) for name in names]
        table = Table(
            _FACES.name, MetaData(), Column("Id", Integer), Column("FaceDescriptor", Text), *columns
        )
        return table, {name: table.c[name] for name in names}


def _moved(after: int, *columns: Any) -> Select[Any]:
    """Moved rows in order of Id, a window of them, with what they have now."""
    query = select(
        _OLD.c.FaceId,
        _OLD.c.Model,
        _OLD.c.MadeEmbedding,
        _OLD.c.NewCheck,
        _FACES.c.Id,
        DESCRIPTOR_CHECK.label("check_sum"),
        *columns,
    )
    query = query.select_from(_OLD.outerjoin(_FACES, _FACES.c.Id == _OLD.c.FaceId))
    return query.where(_OLD.c.FaceId > after).order_by(_OLD.c.FaceId).limit(WINDOW)


def _last(ids: Sequence[int]) -> int | None:
    """Where to go on after a window of these."""
    return ids[-1] if len(ids) == WINDOW else None


def _changed(row: Row[Any]) -> str | None:
    if row.Id is None:
        return _GONE
    return None if row.check_sum == row.NewCheck else _CHANGED


def _problem(row: Row[Any]) -> str | None:
    """What is wrong with a row that nobody else has changed."""
    if from_old_descriptor(row.Descriptor) is None:
        return "The old descriptor that is kept cannot be read."
    if row.vector is None:
        # After a switch and a pruning another model knows the face.
        return None if row.embedded else f"Its embedding by {row.Model} is missing."
    written = to_blob(np.array(json.loads(row.FaceDescriptor), np.float32))
    return None if written == row.vector else f"Its FaceDescriptor is not its embedding by {row.Model}."
