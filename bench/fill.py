"""`python -m bench.fill URL COUNT`: so many random faces, one a person, in an empty database.

Not through the workflows: 100,000 enrolments would take an hour. What is written is what they write, but the
pictures are empty and the persons have no names.
"""

import argparse
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from sqlalchemy import func, insert, select

from db import tables
from db.changes import SqlChanges
from db.embeddings import to_blob
from db.engine import open_database
from db.expressions import chunks
from db.locking import lock
from db.migrate import migrate
from rollcall.core.faces import Embeddings
from rollcall.core.people import PersonType
from rollcall.core.records import EVERYTHING

MODEL = "buffalo_l"
DIMENSIONS = 512
_CHUNK = 200  # 14 kB a face, and MySQL's packets may have 16 MB


def random_embeddings(count: int) -> Embeddings:
    """The same ones each time: (count, 512), unit length."""
    vectors = np.random.default_rng(1).standard_normal((count, DIMENSIONS), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def fill(url: str, count: int) -> int:
    """Write the faces in one transaction; returns how many.

    Raises:
        SystemExit: the database has faces already.
    """
    database = open_database(url, 1)
    migrate(database)
    with database.connection() as connection:
        lock(connection)
        if connection.execute(select(func.count()).select_from(tables.face_data)).scalar_one():
            raise SystemExit("The database has faces already.")
        vectors = random_embeddings(count)
        for rows in chunks(_faces(vectors), _CHUNK):
            connection.execute(insert(tables.face_data), rows)
        for rows in chunks(_embeddings(vectors), _CHUNK):
            connection.execute(insert(tables.embeddings), rows)
        SqlChanges(connection).append([EVERYTHING])
    database.close()
    return count


def _faces(vectors: Embeddings) -> Iterator[dict[str, Any]]:
    # The first one's for all: nobody reads it, but it takes its place on the disk.
    descriptor = json.dumps([float(number) for number in vectors[0]])
    for number in range(1, len(vectors) + 1):
        yield {
            "Id": number,
            "PersonType": PersonType.STUDENT.value,
            "PersonCode": f"B{number:06}",
            "ImageData": b"",
            "FaceDescriptor": descriptor,
            "ContentType": "image/jpeg",
        }


def _embeddings(vectors: Embeddings) -> Iterator[dict[str, Any]]:
    for number, vector in enumerate(vectors, 1):
        yield {"FaceId": number, "Model": MODEL, "Vector": to_blob(vector)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.fill", description=__doc__)
    parser.add_argument("url", help="the DATABASE_URL")
    parser.add_argument("count", type=int, help="how many faces")
    arguments = parser.parse_args()
    fill(arguments.url, arguments.count)


if __name__ == "__main__":
    main()
