"""The old server's rows of FaceData, and their pictures."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, inspect, or_, select

from db import tables
from db.embeddings import from_blob, from_old_descriptor, has_old_length
from db.known_faces import DESCRIPTOR_CHECK
from db.listing import ids_with_image, key_of
from db.people import TABLES, PersonRows, SqlPeople
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.legacy import MovedRow, OldRow, OldRows, PictureSource
from rollcall.core.people import PersonKey, PersonType

WINDOW: Final = 200  # rows read at once
_FACES: Final = tables.face_data
_OLD: Final = tables.old_descriptors


def find_old_rows(connection: Connection, after: int) -> OldRows:
    """The rows after an Id that are the old server's or have been moved, a window of them."""
    query = candidates(
        _FACES.c.Id,
        _FACES.c.PersonType,
        _FACES.c.PersonCode,
        _FACES.c.FaceDescriptor,
        DESCRIPTOR_CHECK.label("check_sum"),
        _OLD.c.Model,
        _OLD.c.NewCheck,
    )
    found = connection.execute(query.where(_FACES.c.Id > after).order_by(_FACES.c.Id).limit(WINDOW)).all()
    # A row that was moved, and has got a descriptor of the old server's since, is that server's again.
    blobs = {
        row.Id: blob
        for row in found
        if (row.Model is None or _is_changed(row))
        and (blob := from_old_descriptor(row.FaceDescriptor or "")) is not None
    }
    for face_id in _enrolled_by_us(connection, blobs):
        del blobs[face_id]
    sources = _sources(connection, [row for row in found if row.Id in blobs])
    rows = [
        _old(row, blobs[row.Id], sources.get(row.Id)) if row.Id in blobs else _moved(row)
        for row in found
        if row.Id in blobs or row.Model is not None
    ]
    return OldRows(rows=rows, seen=len(found), last_id=found[-1].Id if len(found) == WINDOW else None)


def candidates(*columns: Any) -> Select[Any]:
    """Rows that are moved, or may be the old server's."""
    joined = _FACES.outerjoin(_OLD, _OLD.c.FaceId == _FACES.c.Id)
    return select(*columns).select_from(joined).where(or_(_OLD.c.FaceId.is_not(None), has_old_length()))


def picture_of(connection: Connection, row: OldRow) -> bytes | None:
    """The picture at the row's source; None where it is gone, or there never was one."""
    if row.source is None:
        return None
    query = select(_FACES.c.ImageData).where(_FACES.c.Id == row.id)
    if row.source is PictureSource.PERSON and (key := key_of(row.type, row.code)) is not None:
        table = TABLES[key.type]
        query = select(table.c[f"{table.name}Image"]).where(table.c.Id == row.person_row)
    image = connection.execute(query).scalar()
    return bytes(image) if image else None


def _moved(row: Row[Any]) -> MovedRow:
    return MovedRow(
        id=row.Id,
        type=row.PersonType,
        code=row.PersonCode,
        model=row.Model,
        changed=_is_changed(row),
    )


def _is_changed(row: Row[Any]) -> bool:
    return bool(row.NewCheck != row.check_sum)


def _old(row: Row[Any], blob: bytes, source: int | PictureSource | None) -> OldRow:
    """`source`: a PictureSource, or the Id of the person's row that has the picture."""
    return OldRow(
        id=row.Id,
        type=row.PersonType,
        code=row.PersonCode,
        descriptor=from_blob(blob),
        check=row.check_sum,
        source=PictureSource.PERSON if isinstance(source, int) else source,
        person_row=source if isinstance(source, int) else None,
    )


def _enrolled_by_us(connection: Connection, blobs: Mapping[int, bytes]) -> Collection[int]:
    """Those of the faces whose FaceDescriptor is one of their embeddings in our table.

    An embedding by the fallback model that came after others was made in the background, and equals the old
    server's of the same picture: only a face's first one tells that it was enrolled with that model.
    """
    ours, seen, found = tables.embeddings, set[int](), set[int]()
    query = select(ours.c.FaceId, ours.c.Model, ours.c.Vector)
    query = query.where(ours.c.FaceId.in_(blobs), ours.c.Vector.is_not(None)).order_by(ours.c.Id)
    for face_id, model, vector in connection.execute(query):
        is_first = face_id not in seen
        seen.add(face_id)
        if vector == blobs[face_id] and (is_first or model != FALLBACK_MODEL):
            found.add(face_id)
    return found


def _sources(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, int | PictureSource]:
    """Where the pictures of the faces are; an Id where it is a row of Student or Teacher."""
    own = ids_with_image(connection, [row.Id for row in rows])
    keys = {row.Id: key_of(row.PersonType, row.PersonCode) for row in rows if row.Id not in own}
    pictured = _pictured_people(connection, {key for key in keys.values() if key is not None})
    found: dict[int, int | PictureSource] = {face_id: PictureSource.OWN for face_id in own}
    return found | {
        face_id: pictured[key] for face_id, key in keys.items() if key is not None and key in pictured
    }


def _pictured_people(connection: Connection, people: Collection[PersonKey]) -> dict[PersonKey, int]:
    """The Id in Student or Teacher of those of the people who have a picture there."""
    ids = SqlPeople(connection, PersonRows()).row_ids(people)
    pictured: dict[PersonType, set[int]] = {}
    for type in {key.type for key in ids}:
        table = TABLES[type]
        image = table.c[f"{table.name}Image"]
        # Nothing else reads this column, so a school's own table may lack it.
        if image.name.lower() in {
            column["name"].lower() for column in inspect(connection).get_columns(table.name)
        }:
            of_type = [row_id for key, row_id in ids.items() if key.type is type]
            query = select(table.c.Id).where(table.c.Id.in_(of_type), func.length(image) > 0)
            pictured[type] = set(connection.execute(query).scalars())
    return {key: row_id for key, row_id in ids.items() if row_id in pictured.get(key.type, ())}
