"""Faces of one model in columns, and how they are cut into blocks."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rollcall.core.faces import Embeddings
from rollcall.core.people import PersonType
from rollcall.core.records import StoredEmbeddings

# A change copies the blocks that it touches, 2 MB each with 512 numbers. Smaller ones would slow the search.
BLOCK: Final = 1024

_TYPES: Final = {type: number for number, type in enumerate(PersonType)}


def type_number(type: PersonType) -> int:
    """How a person's type is written in `Rows.types`."""
    return _TYPES[type]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Columns of equal length n; they are never written to.

    `hashes` and `types` are those of `people`, so that NumPy can look for a person.
    """

    face_ids: NDArray[np.int64]
    people: NDArray[np.object_]  # PersonKey
    hashes: NDArray[np.int64]
    types: NDArray[np.int8]
    vectors: Embeddings  # (n, dim)

    @classmethod
    def of(cls, stored: StoredEmbeddings) -> "Rows":
        count = len(stored.people)
        return cls(
            face_ids=stored.face_ids,
            people=np.fromiter(stored.people, dtype=np.object_, count=count),
            hashes=np.fromiter(map(hash, stored.people), dtype=np.int64, count=count),
            types=np.fromiter((_TYPES[person.type] for person in stored.people), dtype=np.int8, count=count),
            vectors=stored.vectors,
        )

    def __len__(self) -> int:
        return len(self.face_ids)

    def pick(self, which: slice | NDArray[np.bool_]) -> "Rows":
        """Some of the rows."""
        return Rows(
            face_ids=self.face_ids[which],
            people=self.people[which],
            hashes=self.hashes[which],
            types=self.types[which],
            vectors=self.vectors[which],
        )


def joined(pieces: Sequence[Rows]) -> Rows:
    """A copy of all of them, one after the other."""
    return Rows(
        face_ids=np.concatenate([piece.face_ids for piece in pieces]),
        people=np.concatenate([piece.people for piece in pieces]),
        hashes=np.concatenate([piece.hashes for piece in pieces]),
        types=np.concatenate([piece.types for piece in pieces]),
        vectors=np.concatenate([piece.vectors for piece in pieces]),
    )


def cut(pieces: deque[Rows]) -> Iterator[Rows]:
    """The same rows in blocks of BLOCK; only the last may have fewer. A piece of that size is not copied.

    Uses the queue up, so that a piece is freed as soon as it is copied.
    """
    part, count = list[Rows](), 0
    while pieces:
        piece = pieces.popleft()
        room = BLOCK - count
        if len(piece) == BLOCK == room:
            yield piece
        elif len(piece) >= room:
            yield joined([*part, piece.pick(slice(None, room))])
            pieces.appendleft(piece.pick(slice(room, None)))
            part, count = [], 0
        elif len(piece):
            part.append(piece)
            count += len(piece)
    if part:
        yield joined(part)
