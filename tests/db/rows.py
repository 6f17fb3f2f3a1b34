"""Values to store, and a way past db/ to what the tables hold."""

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Table, insert, text

from db import tables
from db.engine import SqlDatabase
from rollcall.core.database_ports import Records
from rollcall.core.faces import Embedding
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import FurtherEmbedding, NewFace, StoredEmbeddings

OLD_NUMBERS = [round(0.001 * n - 0.05, 6) for n in range(128)]


def student(code: str) -> PersonKey:
    return PersonKey(type=PersonType.STUDENT, code=code)


def teacher(code: str) -> PersonKey:
    return PersonKey(type=PersonType.TEACHER, code=code)


def embedding(seed: int = 0, length: int = 512) -> Embedding:
    """A unit vector."""
    vector = np.random.default_rng(seed).normal(size=length).astype(np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def new_face(person: PersonKey | None = None, **changed: Any) -> NewFace:
    values: dict[str, Any] = {
        "person": person or student("S1"),
        "model": "buffalo_l",
        "embedding": embedding(),
        "image": b"\xff\xd8 picture \x00'\\",
        "content_type": "image/jpeg",
        "original_name": "me.jpg",
    }
    return NewFace(**{**values, **changed})


class Entry(NamedTuple):
    """One embedding that was read."""

    face_id: int
    person: PersonKey
    model: str
    vector: Embedding


def entries(blocks: Iterable[StoredEmbeddings]) -> Iterator[Entry]:
    """Blocks of embeddings one by one, taken as they are needed."""
    for block in blocks:
        for face_id, person, vector in zip(block.face_ids, block.people, block.vectors, strict=True):
            yield Entry(face_id=int(face_id), person=person, model=block.model, vector=vector)


def put(database: SqlDatabase, table: Table, *rows: dict[str, Any]) -> list[int]:
    """Insert rows as somebody else would; returns their Ids."""
    ids = []
    with database.connection() as connection:
        for row in rows:
            key = connection.execute(insert(table).values(**row)).inserted_primary_key
            assert key is not None
            ids.append(int(key[0]))
    return ids


def old_face(
    database: SqlDatabase,
    code: str = "OLD1",
    descriptor: str | None = json.dumps(OLD_NUMBERS),
    **changed: Any,
) -> int:
    """A FaceData row of the old server."""
    row = {"PersonType": "student", "PersonCode": code, "FaceDescriptor": descriptor, "ImageData": b"jpeg"}
    return put(database, tables.face_data, {**row, **changed})[0]


def read(database: SqlDatabase, query: str) -> Sequence[Any]:
    """All rows of a query, as tuples."""
    with database.connection() as connection:
        return [tuple(row) for row in connection.execute(text(query)).all()]


def add_embedding(
    records: Records, face_id: int, model: str, vector: Embedding, image: bytes | None = None
) -> bool:
    """Store a further embedding of one face, made of this image; False if it is not stored."""
    one = FurtherEmbedding(face_id=face_id, image_crc32=_crc32(image), vector=vector)
    return records.faces.add_further(model, [one]) == 1


def note_unreadable(
    records: Records, face_id: int, model: str, problem: str, image: bytes | None = None
) -> None:
    """Remember that a model finds no face in this image of a face."""
    one = FurtherEmbedding(face_id=face_id, image_crc32=_crc32(image), problem=problem)
    records.faces.add_further(model, [one])


def _crc32(image: bytes | None) -> int | None:
    return None if image is None else zlib.crc32(image)
