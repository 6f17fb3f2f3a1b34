"""Which photo of a bulk import a face came from."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, and_, delete, func, insert, select

from db import tables
from db.expressions import has_code
from db.faces import SqlFaces
from db.listing import key_of, of_person
from db.people import PersonRows, SqlPeople
from rollcall.core.imports import PersonFaces
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import NewFace

_IMPORTED = tables.imported


class SqlImportedFaces:
    """All SQL about RollcallImported. The caller owns the transaction."""

    def __init__(self, connection: Connection, hints: PersonRows) -> None:
        self._connection = connection
        self._hints = hints

    def of(self, people: Sequence[PersonKey]) -> Mapping[PersonKey, PersonFaces]:
        """What is stored of these people, at most CHUNK of one type: no index serves codes, so each look
        reads whole tables, and one for many costs as much as one for one."""
        if not people:
            return {}
        names = SqlPeople(self._connection, self._hints).names(people)
        having = self._having_faces(people)
        imported = self._imported(people)
        return {
            person: PersonFaces(
                name=names.get(person),
                has_faces=person in having,
                imported=imported.get(person.folded, {}) if person in having else {},
            )
            for person in people
        }

    def faces_of(self, person: PersonKey) -> Sequence[int]:
        """The Ids of all faces of a person."""
        query = select(tables.face_data.c.Id).where(of_person(person.type, person.code))
        return self._connection.execute(query).scalars().all()

    def add(self, face: NewFace, sha256: str) -> int:
        """Store a face that came from a photo; returns its FaceData Id.

        Raises:
            ImageTooLarge: as SqlFaces.add.
        """
        face_id = SqlFaces(self._connection).add(face)
        key = {
            "PersonType": face.person.type.value,
            "FoldedCode": face.person.folded,
            "PhotoHash": sha256,
        }
        # Another program may have deleted the face that it was, or given it to somebody else.
        same = (_IMPORTED.c[name] == value for name, value in key.items())
        self._connection.execute(delete(_IMPORTED).where(*same))
        row = {"FaceId": face_id, **key, "CreatedDate": func.current_timestamp()}
        self._connection.execute(insert(_IMPORTED).values(row))
        return face_id

    def _having_faces(self, people: Sequence[PersonKey]) -> set[PersonKey]:
        table = tables.face_data
        found = set[PersonKey]()
        for type in PersonType:
            codes = [person.code for person in people if person.type is type]
            if codes:
                query = select(table.c.PersonType, table.c.PersonCode).where(
                    of_person(type, None), has_code(table.c.PersonCode, codes)
                )
                keys = (key_of(row.PersonType, row.PersonCode) for row in self._connection.execute(query))
                found.update(key for key in keys if key is not None)
        return found

    def _imported(self, people: Sequence[PersonKey]) -> dict[str, dict[str, int]]:
        """By folded code and SHA-256, those whose face is still there and still the person's."""
        faces, type = tables.face_data, people[0].type
        query = (
            select(_IMPORTED.c.FoldedCode, _IMPORTED.c.PhotoHash, faces.c.Id, faces.c.PersonType)
            .add_columns(faces.c.PersonCode)
            .join_from(_IMPORTED, faces, faces.c.Id == _IMPORTED.c.FaceId)
            .where(
                and_(
                    _IMPORTED.c.PersonType == type.value,
                    _IMPORTED.c.FoldedCode.in_([person.folded for person in people]),
                )
            )
        )
        found: dict[str, dict[str, int]] = {}
        for row in self._connection.execute(query):
            owner = key_of(row.PersonType, row.PersonCode)
            if owner is not None and owner.type is type and owner.folded == row.FoldedCode:
                found.setdefault(row.FoldedCode, {})[row.PhotoHash] = row.Id
        return found
