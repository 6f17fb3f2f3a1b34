"""Enrolled faces: FaceData and our table of embeddings."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select, union_all

from db import tables
from db.changes import SqlChanges
from db.embeddings import read_embeddings, to_blob, to_json
from db.expressions import chunks
from db.known_faces import SqlKnownFaces
from db.lacking import count_lacking, images_lacking, left_faces
from db.listing import key_of, list_faces, of_person, picture_of
from db.locking import lock
from db.packets import require_room
from rollcall.core.models import LeftFace
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import (
    EnrolledFace,
    FurtherEmbedding,
    KeptPicture,
    NewFace,
    StoredEmbeddings,
    StoredImage,
)

# Made once, for each enrolment needs them.
_ADD_FACE: Final = insert(tables.face_data).values(CreatedDate=func.current_timestamp())
_ADD_EMBEDDING: Final = insert(tables.embeddings).values(CreatedDate=func.current_timestamp())
_TRACES: Final = union_all(
    *(select(table.c.FaceId).where(table.c.FaceId == bindparam("face_id")) for table in tables.OF_A_FACE)
)


class SqlFaces:
    """All SQL about faces. The caller owns the transaction.

    What writes takes the lock of `SqlChanges.lock` itself, and appends to the change table. Dates are the
    database's clock: CURRENT_TIMESTAMP, which is UTC on SQLite and the server's time zone on MySQL.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, face: NewFace) -> int:
        """Store a face with its embedding; returns its FaceData Id.

        Raises:
            ImageTooLarge: this database takes no picture of that size.
        """
        require_room(self._connection, face.image)
        lock(self._connection)
        name = face.original_name
        row = {
            "PersonType": face.person.type.value,
            "PersonCode": face.person.code,
            "ImageData": face.image,
            "FaceDescriptor": to_json(face.embedding),
            "OriginalName": name[:255] if name is not None else None,
            "ContentType": face.content_type[:100],
        }
        key = self._connection.execute(_ADD_FACE, row).inserted_primary_key
        assert key is not None  # one row was inserted
        face_id = int(key[0])
        # The Id may have been given before: other programs can empty the table, which starts it anew.
        if self._connection.execute(_TRACES, {"face_id": face_id}).first() is not None:
            self._remove_traces([face_id])
        entry = {"FaceId": face_id, "Model": face.model, "Vector": to_blob(face.embedding), "Problem": None}
        self._connection.execute(_ADD_EMBEDDING, entry)
        SqlKnownFaces(self._connection).remember(face_id)
        SqlChanges(self._connection).append([face_id])
        return face_id

    def count(self, person: PersonKey | None = None) -> int:
        """How many faces there are, or how many of one person."""
        query = select(func.count()).select_from(tables.face_data)
        if person is not None:
            query = query.where(of_person(person.type, person.code))
        return self._connection.execute(query).scalar_one()

    def owner(self, face_id: int) -> PersonKey | None:
        """Whose face it is; None if there is none of that Id, or its row names nobody who can be."""
        table = tables.face_data
        query = select(table.c.PersonType, table.c.PersonCode).where(table.c.Id == face_id)
        row = self._connection.execute(query).first()
        return None if row is None else key_of(row.PersonType, row.PersonCode)

    def picture(self, face_id: int) -> KeptPicture | None:
        """Its picture; None if there is no face of that Id, or none with a picture."""
        return picture_of(self._connection, face_id)

    def remove(self, face_id: int) -> bool:
        """Delete one face; False if there is none of that Id."""
        lock(self._connection)
        return self._remove([face_id]) > 0

    def remove_person(self, person: PersonKey) -> int:
        """Delete every face of a person; returns how many there were."""
        lock(self._connection)
        query = select(tables.face_data.c.Id).where(of_person(person.type, person.code))
        return self._remove(self._connection.execute(query).scalars().all())

    def list(
        self, *, type: PersonType | None, code: str | None, limit: int | None, offset: int
    ) -> tuple[Sequence[EnrolledFace], int]:
        """A page of faces in order of Id, and how many there are on all pages."""
        return list_faces(self._connection, type=type, code=code, limit=limit, offset=offset)

    def embeddings(self, face_ids: Iterable[int] | None = None) -> Iterator[StoredEmbeddings]:
        """All embeddings, or those of some faces, a block at a time; read as they are taken."""
        return read_embeddings(self._connection, face_ids)

    def images_lacking(self, model: str, limit: int, after: int = 0) -> Sequence[StoredImage]:
        """Faces after an Id that have an image, and neither this model's embedding nor a note why there can
        be none."""
        return images_lacking(self._connection, model, limit, after)

    def left(self, model: str, *, limit: int | None, offset: int) -> tuple[Sequence[LeftFace], int]:
        """A page of the faces without this model's embedding, in order of Id, and how many there are."""
        return left_faces(self._connection, model, limit, offset)

    def count_lacking(self, model: str) -> int:
        """How many `images_lacking` would give without a limit.

        Cheap when there are none; otherwise MySQL reads the picture of each.
        """
        return count_lacking(self._connection, model)

    def add_further(self, model: str, further: Sequence[FurtherEmbedding]) -> int:
        """Store what a model made of several faces, in one go; returns how many embeddings were stored.

        A face that is gone or has another image meanwhile is left out, and an embedding that it has already
        is not replaced by a problem.
        """
        lock(self._connection)
        current = [one for one in further if self._exists(one)]
        vectors = {one.face_id: one.vector for one in current if one.vector is not None}
        problems = {one.face_id: one.problem or "" for one in current if one.vector is None}
        for face_id in self._embedded(model, problems):
            del problems[face_id]
        table = tables.embeddings
        replaced = table.c.FaceId.in_([*vectors, *problems])
        self._connection.execute(delete(table).where(replaced, table.c.Model == model))
        rows: list[dict[str, object]] = [
            {"FaceId": face_id, "Model": model, "Vector": to_blob(vector), "Problem": None}
            for face_id, vector in vectors.items()
        ]
        rows += [
            {"FaceId": face_id, "Model": model, "Vector": None, "Problem": problem[:50]}
            for face_id, problem in problems.items()
        ]
        if rows:
            self._connection.execute(_ADD_EMBEDDING, rows)
        for face_id in vectors:
            # Galleries will have it from now on, so it must be missed when another program deletes it.
            SqlKnownFaces(self._connection).remember(face_id)
        SqlChanges(self._connection).append(vectors)
        return len(vectors)

    def has_embedding(self, model: str) -> bool:
        """Whether any face has an embedding by a model."""
        table = tables.embeddings
        query = select(table.c.Id).where(table.c.Model == model, table.c.Vector.is_not(None)).limit(1)
        return self._connection.execute(query).first() is not None

    def forget_problems(self, model: str) -> None:
        """Let a model try again the faces of which it could make no embedding."""
        table = tables.embeddings
        self._connection.execute(delete(table).where(table.c.Model == model, table.c.Vector.is_(None)))

    def prune(self, keep: Collection[str], limit: int) -> int:
        """Delete embeddings of other models than these, of faces that have one by the first of `keep`; of at
        most `limit` faces. Returns of how many it did."""
        lock(self._connection)
        ours, others = tables.embeddings, tables.embeddings.alias()
        covered = exists().where(
            others.c.FaceId == ours.c.FaceId, others.c.Model == next(iter(keep)), others.c.Vector.is_not(None)
        )
        old = ours.c.Model.not_in(keep)
        query = select(ours.c.FaceId).where(old, covered).distinct().order_by(ours.c.FaceId).limit(limit)
        ids = self._connection.execute(query).scalars().all()
        self._connection.execute(delete(ours).where(ours.c.FaceId.in_(ids), old))
        SqlChanges(self._connection).append(ids)
        return len(ids)

    def _exists(self, further: FurtherEmbedding) -> bool:
        table = tables.face_data
        query = select(table.c.Id).where(table.c.Id == further.face_id)
        if further.image_crc32 is not None:
            query = query.where(func.crc32(table.c.ImageData) == further.image_crc32)
        return self._connection.execute(query).first() is not None

    def _embedded(self, model: str, face_ids: Iterable[int]) -> Sequence[int]:
        """Those of the faces that have an embedding by a model."""
        table = tables.embeddings
        query = select(table.c.FaceId).where(table.c.Model == model, table.c.Vector.is_not(None))
        return self._connection.execute(query.where(table.c.FaceId.in_(list(face_ids)))).scalars().all()

    def _remove(self, face_ids: Iterable[int]) -> int:
        removed = 0
        for ids in chunks(face_ids):
            removed += self._connection.execute(
                delete(tables.face_data).where(tables.face_data.c.Id.in_(ids))
            ).rowcount
            traces = self._remove_traces(ids)
            # Traces without a face: somebody else deleted the FaceData row, and galleries still have it.
            if removed or traces:
                SqlChanges(self._connection).append(ids)
        return removed

    def _remove_traces(self, face_ids: Collection[int]) -> int:
        """Delete what our own tables have of the faces; returns how many rows that were."""
        return sum(
            self._connection.execute(delete(table).where(table.c.FaceId.in_(face_ids))).rowcount
            for table in tables.OF_A_FACE
        )
