"""Embeddings, read for the gallery: our own table's, and those in rows of the old server."""

import json
import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, Row, select

from db import tables
from db.expressions import CHUNK, chunks
from db.listing import key_of
from rollcall.core.faces import FALLBACK_MODEL, Embedding
from rollcall.core.records import StoredEmbedding

log = logging.getLogger(__name__)

OLD_LENGTH: Final = 128  # numbers in a FaceDescriptor of the old server
_MAX_NUMBER: Final = float(np.finfo(np.float32).max)


def to_blob(vector: Embedding) -> bytes:
    """Little-endian float32."""
    return vector.astype("<f4").tobytes()


def from_blob(blob: bytes) -> Embedding | None:
    """The inverse; None if the bytes are no embedding."""
    if not blob or len(blob) % 4:
        return None
    vector = np.frombuffer(blob, dtype="<f4").astype(np.float32)
    return vector if np.isfinite(vector).all() else None


def from_old_descriptor(text: str) -> Embedding | None:
    """The 128 numbers of a FaceDescriptor that the old server wrote; None if it is anything else."""
    try:
        numbers = json.loads(text)
        if not isinstance(numbers, list) or len(numbers) != OLD_LENGTH:
            return None
        usable = all(type(n) in (int, float) and math.isfinite(n) and abs(n) <= _MAX_NUMBER for n in numbers)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None
    return np.array(numbers, dtype=np.float32) if usable else None


def read_embeddings(connection: Connection, face_ids: Iterable[int] | None) -> Iterator[StoredEmbedding]:
    """All embeddings, or those of some faces, read a chunk at a time, as they are taken.

    Rows that are malformed are left out, and counted in one warning at the end.
    """
    malformed = 0
    windows = _all_faces(connection) if face_ids is None else _some_faces(connection, face_ids)
    for faces in windows:
        people = {row.Id: key_of(row.PersonType, row.PersonCode) for row in faces}
        for face_id, model, vector in _vectors(connection, list(people)):
            person = people[face_id]
            if person is None or vector is None:
                malformed += 1
            else:
                yield StoredEmbedding(face_id=face_id, person=person, model=model, vector=vector)
    if malformed:
        log.warning("%d malformed embeddings in the database are left out", malformed)


def _all_faces(connection: Connection) -> Iterator[Sequence[Row[Any, Any, Any]]]:
    last = 0
    # No server-side cursor: it would keep the connection from all else until the last row was taken.
    while faces := _faces(connection, tables.face_data.c.Id > last, limit=CHUNK):
        yield faces
        last = faces[-1].Id


def _some_faces(connection: Connection, face_ids: Iterable[int]) -> Iterator[Sequence[Row[Any, Any, Any]]]:
    for ids in chunks(sorted(set(face_ids))):
        yield _faces(connection, tables.face_data.c.Id.in_(ids), limit=CHUNK)


def _faces(connection: Connection, condition: Any, *, limit: int) -> Sequence[Row[Any, Any, Any]]:
    table = tables.face_data
    query = select(table.c.Id, table.c.PersonType, table.c.PersonCode).where(condition)
    return connection.execute(query.order_by(table.c.Id).limit(limit)).all()


def _vectors(connection: Connection, ids: Sequence[int]) -> Iterator[tuple[int, str, Embedding | None]]:
    """Face Id, model and embedding, None for malformed ones, of a chunk of faces."""
    ours = tables.embeddings
    query = select(ours.c.FaceId, ours.c.Model, ours.c.Vector).where(
        ours.c.FaceId.in_(ids), ours.c.Vector.is_not(None)
    )
    found = [
        (row.FaceId, row.Model, from_blob(row.Vector))
        for row in connection.execute(query.order_by(ours.c.FaceId, ours.c.Id))
    ]
    yield from found
    known = {face_id for face_id, _, _ in found}
    table = tables.face_data
    old = select(table.c.Id, table.c.FaceDescriptor).where(
        table.c.Id.in_([face_id for face_id in ids if face_id not in known]),
        table.c.FaceDescriptor.is_not(None),
    )
    for row in connection.execute(old.order_by(table.c.Id)).all():
        yield row.Id, FALLBACK_MODEL, from_old_descriptor(row.FaceDescriptor)
