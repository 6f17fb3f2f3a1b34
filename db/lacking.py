"""Faces that wait for a model's embedding."""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, and_, exists, not_, select

from db import tables
from db.embeddings import has_old_length
from db.expressions import CHUNK
from db.listing import has_image, ids_with_image
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.records import StoredImage


def images_lacking(connection: Connection, model: str, limit: int) -> Sequence[StoredImage]:
    """The images, at most `limit`, in order of Id."""
    table, found = tables.face_data, list[StoredImage]()
    for ids in _ids_lacking(connection, model):
        query = select(table.c.Id, table.c.ImageData).where(table.c.Id.in_(ids), has_image())
        rows = connection.execute(query.order_by(table.c.Id).limit(limit - len(found)))
        found.extend(StoredImage(face_id=row.Id, image=bytes(row.ImageData)) for row in rows)
        if len(found) >= limit:
            break
    return found


def count_lacking(connection: Connection, model: str) -> int:
    """How many there are."""
    return sum(len(ids_with_image(connection, ids)) for ids in _ids_lacking(connection, model))


def _ids_lacking(connection: Connection, model: str) -> Iterator[Sequence[int]]:
    """Ids in their order, a chunk at a time; with or without an image, because asking for that is dear."""
    table, last = tables.face_data, 0
    while True:
        query = select(table.c.Id).where(table.c.Id > last, _lacks(model)).order_by(table.c.Id).limit(CHUNK)
        ids = connection.execute(query).scalars().all()
        if not ids:
            return
        yield ids
        last = ids[-1]


def _lacks(model: str) -> ColumnElement[bool]:
    table, ours = tables.face_data, tables.embeddings
    noted = exists().where(ours.c.FaceId == table.c.Id, ours.c.Model == model)
    if model != FALLBACK_MODEL:
        return not_(noted)
    # A row of the old server has the fallback model's embedding in itself. The few malformed descriptors that
    # pass for one are left to be matched by other models.
    any_vector = exists().where(ours.c.FaceId == table.c.Id, ours.c.Vector.is_not(None))
    return and_(not_(noted), not_(and_(not_(any_vector), has_old_length())))
