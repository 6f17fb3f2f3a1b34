"""Faces as they are listed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, String, and_, func, select, type_coerce

from db import tables
from db.dates import date_of
from db.expressions import chunks, has_code, plain_code_key
from db.people import PersonRows, SqlPeople
from rollcall.core.errors import InvalidRequest
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import EnrolledFace, KeptPicture

UNKNOWN_DATE: Final = datetime(1970, 1, 1)  # for old rows whose CreatedDate is NULL or no date
NO_LIMIT: Final = 2**62  # both databases know no OFFSET without a LIMIT


def of_person(type: PersonType | None, code: str | None) -> ColumnElement[bool]:
    """The condition on FaceData for a type, a code or both; rows that are nobody's face never match."""
    table = tables.face_data
    types = [type] if type is not None else list(PersonType)
    conditions = [
        has_code(table.c.PersonType, (each.value for each in types)),
    ]
    if code is None:
        conditions.append(plain_code_key(table.c.PersonCode) != "")
    else:
        conditions.append(has_code(table.c.PersonCode, [code]))
    return and_(*conditions)


def key_of(type: str | None, code: str) -> PersonKey | None:
    """The person of a FaceData row; None where its type and code are nobody's."""
    try:
        return PersonKey(type=PersonType((type or "").strip().lower()), code=code)
    except (ValueError, InvalidRequest):
        return None


def list_faces(
    connection: Connection, *, type: PersonType | None, code: str | None, limit: int | None, offset: int
) -> tuple[Sequence[EnrolledFace], int]:
    """A page of faces in order of Id, and how many there are on all pages.

    Dates are naive, by the database's clock; UNKNOWN_DATE where a row has none.
    """
    table, condition = tables.face_data, of_person(type, code)
    total = connection.execute(select(func.count()).select_from(table).where(condition)).scalar_one()
    # As text: an old row's date may be none that SQLAlchemy can read.
    created = type_coerce(table.c.CreatedDate, String).label("created")
    page = select(table.c.Id, table.c.PersonType, table.c.PersonCode, created).where(condition)
    page = page.order_by(table.c.Id).limit(NO_LIMIT if limit is None else limit).offset(offset)
    rows = [
        (row, key)
        for row in connection.execute(page)
        if (key := key_of(row.PersonType, row.PersonCode)) is not None
    ]
    names = SqlPeople(connection, PersonRows()).names(key for _, key in rows)
    pictured = ids_with_image(connection, [row.Id for row, _ in rows])
    faces = [
        EnrolledFace(
            id=row.Id,
            person=key,
            person_name=names.get(key),
            enrollment_date=date_of(row.created) or UNKNOWN_DATE,
            has_image=row.Id in pictured,
        )
        for row, key in rows
    ]
    return faces, total


def has_image() -> ColumnElement[bool]:
    """The condition on FaceData. MySQL reads the whole picture for it: ask it of chosen Ids only."""
    return func.length(tables.face_data.c.ImageData) > 0


def ids_with_image(connection: Connection, face_ids: Sequence[int]) -> frozenset[int]:
    """Those of the faces that have a picture."""
    column = tables.face_data.c.Id
    found: set[int] = set()
    for ids in chunks(face_ids):
        found.update(connection.execute(select(column).where(column.in_(ids), has_image())).scalars())
    return frozenset(found)


def picture_of(connection: Connection, face_id: int) -> KeptPicture | None:
    """The picture of one face; None if there is no face of that Id, or none with a picture."""
    table = tables.face_data
    query = select(table.c.ImageData, table.c.ContentType).where(table.c.Id == face_id)
    row = connection.execute(query).first()
    if row is None or not row.ImageData:
        return None
    return KeptPicture(image=bytes(row.ImageData), content_type=row.ContentType)
