"""Rows of the old server, moved and looked at."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from db.engine import SqlDatabase
from rollcall.core.faces import Embedding
from rollcall.core.legacy import Looked, Move, MovedRow, OldRow
from tests.db.rows import (
    OLD_NUMBERS,
    embedding,
    read,
)

MODEL = "buffalo_l"


OLD = np.array(OLD_NUMBERS, np.float32)


# As a hand or another program may have written them: all of it is to come back.
ODD = (
    "\r\n[ "
    + " ,\t".join(f"{number:.20e}" if n % 2 else f"{number}" for n, number in enumerate(OLD))
    + "\n ]  "
)


DATES = "CAST(SeenAt AS CHAR), CAST(CreatedDate AS CHAR)"


def rows(database: SqlDatabase) -> list[OldRow | MovedRow]:
    """All of them, as they are read a window after the other."""
    found: list[OldRow | MovedRow] = []
    after: int | None = 0
    while after is not None:
        with database.transaction() as records:
            window = records.old_descriptors.rows(after)
        assert window.seen >= len(window.rows)
        found += window.rows
        after = window.last_id
    return found


def one(database: SqlDatabase, face_id: int) -> OldRow:
    [row] = [row for row in rows(database) if row.id == face_id]
    assert isinstance(row, OldRow)
    return row


def move(database: SqlDatabase, *face_ids: int, vector: Embedding | None = None) -> list[bool]:
    found = [one(database, face_id) for face_id in face_ids]
    with database.transaction() as records:
        return [
            records.old_descriptors.move(to(records.old_descriptors.picture(row), row, vector))
            for row in found
        ]


def to(picture: bytes | None, row: OldRow, vector: Embedding | None = None) -> Move:
    assert picture is not None
    return Move(
        row=row, model=MODEL, embedding=embedding(row.id) if vector is None else vector, picture=picture
    )


def put_back(database: SqlDatabase, *face_ids: int) -> Looked:
    with database.transaction() as records:
        return records.old_descriptors.put_back(0, face_ids or None)


def checked(database: SqlDatabase) -> Looked:
    with database.transaction() as records:
        return records.old_descriptors.check(0)


def cells(database: SqlDatabase, columns: str = "*") -> Sequence[Any]:
    return read(database, f"SELECT {columns} FROM FaceData ORDER BY Id")


def written(database: SqlDatabase) -> Embedding:
    """The only FaceDescriptor."""
    [(descriptor,)] = cells(database, "FaceDescriptor")
    return np.array(json.loads(descriptor), np.float32)


def stored(database: SqlDatabase) -> list[tuple[int, str]]:
    """What our table has: faces and models, in order."""
    return [tuple(row) for row in read(database, "SELECT FaceId, Model FROM RollcallEmbeddings ORDER BY Id")]
