"""Embeddings, read for the gallery: our own table's, and those in rows of the old server."""

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Row, and_, func, select

from db import tables
from db.expressions import CHUNK, chunks
from db.listing import key_of
from rollcall.core.faces import FALLBACK_MODEL, Embedding
from rollcall.core.people import PersonKey
from rollcall.core.records import StoredEmbeddings

log = logging.getLogger(__name__)

OLD_LENGTH: Final = 128  # numbers in a FaceDescriptor of the old server
WINDOW: Final = 1024  # rows read at once; the gallery takes over blocks of this many without copying them
_MAX_NUMBER: Final = float(np.finfo(np.float32).max)
_FLOAT: Final = np.dtype("<f4")
_OurRow: TypeAlias = Row[Any, Any, Any, Any, Any, Any]  # as `_our_rows` selects it


def to_blob(vector: Embedding) -> bytes:
    """Little-endian float32."""
    return vector.astype(_FLOAT).tobytes()


def from_blob(blob: bytes) -> Embedding:
    """The numbers that `to_blob` gave."""
    return np.frombuffer(blob, dtype=_FLOAT).astype(np.float32, copy=False)


def to_json(vector: Embedding) -> str:
    """A FaceDescriptor: a JSON array from which the very same float32 numbers can be read back.

    Raises:
        ValueError: a number is not finite.
    """
    return json.dumps(vector.tolist(), allow_nan=False)


def from_old_descriptor(text: str) -> bytes | None:
    """The 128 numbers of a FaceDescriptor that the old server wrote, as a blob; None for anything else."""
    try:
        numbers = json.loads(text)
        if not isinstance(numbers, list) or len(numbers) != OLD_LENGTH:
            return None
        if not {type(number) for number in numbers} <= {int, float}:
            return None
        vector = np.array(numbers, dtype=np.float64)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None
    usable = (np.abs(vector) <= _MAX_NUMBER).all()  # which NaN is not either
    return to_blob(vector.astype(np.float32)) if usable else None


def has_old_length() -> ColumnElement[bool]:
    """Whether a FaceDescriptor may be the old server's: counting its commas is near enough to choose rows."""
    text = tables.face_data.c.FaceDescriptor
    commas = func.length(text) - func.length(func.replace(text, ",", ""))
    return and_(text.is_not(None), commas == OLD_LENGTH - 1)


class _Entry(NamedTuple):
    """An embedding as it is read; no blob where it is malformed."""

    face_id: int
    person_type: str | None
    person_code: str
    model: str
    blob: bytes | None


def read_embeddings(connection: Connection, face_ids: Iterable[int] | None) -> Iterator[StoredEmbeddings]:
    """All embeddings, or those of some faces, read a window at a time, as they are taken.

    Entries that are malformed, or nobody's, are left out, and counted in one warning at the end.
    """
    malformed = 0
    windows = _all_entries(connection) if face_ids is None else _some_entries(connection, face_ids)
    for entries in windows:
        packed = list(_pack(entries))
        malformed += len(entries) - sum(len(block.face_ids) for block in packed)
        yield from packed
    if malformed:
        log.warning("%d malformed embeddings in the database are left out", malformed)


def _all_entries(connection: Connection) -> Iterator[Sequence[_Entry]]:
    # The old server's first: a face that gets our embedding meanwhile is read twice rather than missed.
    for ids in _ids_without_entry(connection):
        yield _old_entries(connection, ids)
    noted, embedded = set[int](), list[NDArray[np.int64]]()
    last = 0
    # No server-side cursor: it would keep the connection from all else until the last row was taken.
    while rows := _our_rows(connection, tables.embeddings.c.Id > last):
        last = rows[-1].Id
        noted.update(row.FaceId for row in rows if row.Vector is None)
        entries = _our_entries(rows)
        embedded.append(np.array([entry.face_id for entry in entries], dtype=np.int64))
        yield entries
        if len(rows) < WINDOW:
            break
    if noted:
        # In these images no face was found, so they have a row of ours and yet only the old descriptor.
        only_noted = np.setdiff1d(list(noted), np.concatenate(embedded))
        for ids in chunks(only_noted.tolist()):
            yield _old_entries(connection, ids)


def _some_entries(connection: Connection, face_ids: Iterable[int]) -> Iterator[Sequence[_Entry]]:
    for ids in chunks(sorted(set(face_ids))):
        ours = _our_entries(_our_rows(connection, tables.embeddings.c.FaceId.in_(ids), limit=None))
        known = {entry.face_id for entry in ours}
        yield [*ours, *_old_entries(connection, [face_id for face_id in ids if face_id not in known])]


def _our_rows(
    connection: Connection, condition: ColumnElement[bool], limit: int | None = WINDOW
) -> Sequence[_OurRow]:
    ours, faces = tables.embeddings, tables.face_data
    query = select(
        ours.c.Id, ours.c.FaceId, ours.c.Model, ours.c.Vector, faces.c.PersonType, faces.c.PersonCode
    )
    query = query.join_from(ours, faces, faces.c.Id == ours.c.FaceId).where(condition)
    # Beginning with FaceData would sort the whole table for each window; MySQL must not think so.
    query = query.prefix_with("STRAIGHT_JOIN", dialect="mysql")
    return connection.execute(query.order_by(ours.c.Id).limit(limit)).all()


def _our_entries(rows: Iterable[_OurRow]) -> Sequence[_Entry]:
    return [
        _Entry(row.FaceId, row.PersonType, row.PersonCode, row.Model, row.Vector)
        for row in rows
        if row.Vector is not None
    ]


def _ids_without_entry(connection: Connection) -> Iterator[Sequence[int]]:
    """Faces of which our table knows nothing. Reads two indexes: MySQL would read descriptors whole."""
    table, ours = tables.face_data, tables.embeddings
    query = select(table.c.Id).outerjoin(ours, ours.c.FaceId == table.c.Id).where(ours.c.Id.is_(None))
    query = query.order_by(table.c.Id).limit(CHUNK)
    last = 0
    while ids := connection.execute(query.where(table.c.Id > last)).scalars().all():
        yield ids
        last = ids[-1]


def _old_entries(connection: Connection, ids: Sequence[int]) -> Sequence[_Entry]:
    table = tables.face_data
    query = select(table.c.Id, table.c.PersonType, table.c.PersonCode, table.c.FaceDescriptor)
    query = query.where(table.c.Id.in_(ids), table.c.FaceDescriptor.is_not(None)).order_by(table.c.Id)
    return [
        _Entry(*row[:3], FALLBACK_MODEL, from_old_descriptor(row.FaceDescriptor))
        for row in connection.execute(query)
    ]


def _pack(entries: Iterable[_Entry]) -> Iterator[StoredEmbeddings]:
    """One block for each model and length, without what is malformed or nobody's."""
    groups: dict[tuple[str, int], list[tuple[int, PersonKey, bytes]]] = {}
    for entry in entries:
        person = key_of(entry.person_type, entry.person_code)
        if person is not None and entry.blob and len(entry.blob) % _FLOAT.itemsize == 0:
            group = groups.setdefault((entry.model, len(entry.blob)), [])
            group.append((entry.face_id, person, entry.blob))
    for (model, _), group in groups.items():
        face_ids, people, blobs = zip(*group, strict=True)
        vectors = np.frombuffer(b"".join(blobs), dtype=_FLOAT).reshape(len(blobs), -1)
        finite = np.asarray(np.isfinite(vectors).all(axis=1))
        if finite.any():
            whole = finite.all()
            yield StoredEmbeddings(
                model=model,
                face_ids=np.array(face_ids, dtype=np.int64)[finite],
                people=people if whole else tuple(compress(people, finite)),
                vectors=(vectors if whole else vectors[finite]).astype(np.float32, copy=False),
            )
