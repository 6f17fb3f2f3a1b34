"""Faces that wait for a model's embedding."""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, and_, exists, func, not_, select

from db import tables
from db.embeddings import has_old_length
from db.expressions import CHUNK
from db.listing import NO_LIMIT, has_image, ids_with_image, key_of, of_person
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.models import NO_IMAGE, WAITING, LeftFace
from rollcall.core.records import StoredImage


def images_lacking(connection: Connection, model: str, limit: int, after: int) -> Sequence[StoredImage]:
    """The images of faces after an Id, at most `limit`, in order of Id."""
    table, found = tables.face_data, list[StoredImage]()
    for ids in _ids_lacking(connection, model, after):
        query = select(table.c.Id, table.c.ImageData).where(table.c.Id.in_(ids), has_image())
        rows = connection.execute(query.order_by(table.c.Id).limit(limit - len(found)))
        found.extend(StoredImage(face_id=row.Id, image=bytes(row.ImageData)) for row in rows)
        if len(found) >= limit:
            break
    return found


def count_lacking(connection: Connection, model: str) -> int:
    """How many there are."""
    return sum(len(ids_with_image(connection, ids)) for ids in _ids_lacking(connection, model))


def left_faces(
    connection: Connection, model: str, limit: int | None, offset: int
) -> tuple[Sequence[LeftFace], int]:
    """A page of the faces without this model's embedding, in order of Id, and how many there are."""
    # By another name: what the condition says of our table is not of the row joined here.
    table, tried = tables.face_data, tables.embeddings.alias()
    condition = and_(of_person(None, None), _lacks(model, noted_too=True))
    total = connection.execute(select(func.count()).select_from(table).where(condition)).scalar_one()
    joined = table.outerjoin(tried, and_(tried.c.FaceId == table.c.Id, tried.c.Model == model))
    query = select(table.c.Id, table.c.PersonType, table.c.PersonCode, tried.c.Problem)
    query = query.select_from(joined).where(condition).order_by(table.c.Id)
    rows = connection.execute(query.limit(NO_LIMIT if limit is None else limit).offset(offset)).all()
    pictured = ids_with_image(connection, [row.Id for row in rows if row.Problem is None])
    found = [
        LeftFace(
            face_id=row.Id, person=person, reason=row.Problem or (WAITING if row.Id in pictured else NO_IMAGE)
        )
        for row in rows
        if (person := key_of(row.PersonType, row.PersonCode)) is not None
    ]
    return found, total


def _ids_lacking(connection: Connection, model: str, after: int = 0) -> Iterator[Sequence[int]]:
    """Ids in their order, a chunk at a time; with or without an image, because asking for that is dear."""
    table, last = tables.face_data, after
    while True:
        query = select(table.c.Id).where(table.c.Id > last, _lacks(model)).order_by(table.c.Id).limit(CHUNK)
        ids = connection.execute(query).scalars().all()
        if not ids:
            return
        yield ids
        last = ids[-1]


def _lacks(model: str, *, noted_too: bool = False) -> ColumnElement[bool]:
    """`noted_too`: also faces in whose image this model found nothing."""
    table, ours = tables.face_data, tables.embeddings.alias()
    noted = exists().where(ours.c.FaceId == table.c.Id, ours.c.Model == model)
    if noted_too:
        noted = noted.where(ours.c.Vector.is_not(None))
    if model != FALLBACK_MODEL:
        return not_(noted)
    # A row of the old server has the fallback model's embedding in itself. The few malformed descriptors that
    # pass for one are left to be matched by other models.
    any_vector = exists().where(ours.c.FaceId == table.c.Id, ours.c.Vector.is_not(None))
    return and_(not_(noted), not_(and_(not_(any_vector), has_old_length())))
