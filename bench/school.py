"""A database with enrolled students."""

from collections.abc import Sequence

import numpy as np

from bench.packs import people_photos
from db.engine import open_database
from db.migrate import migrate
from rollcall.core.people import Person, PersonKey, PersonType
from rollcall.core.records import NewFace


def enrol(
    database_url: str, model: str, dimensions: int, count: int, images: Sequence[bytes] = (b"none",)
) -> int:
    """Make the database and enrol so many students with random embeddings; returns the number of faces.

    The images are given out in turn.
    """
    vectors = np.random.default_rng(1).standard_normal((count, dimensions), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    database = open_database(database_url, 1)
    try:
        migrate(database)
        with database.transaction() as records:
            for number, vector in enumerate(vectors):
                key = PersonKey(type=PersonType.STUDENT, code=f"B{number:05}")
                records.people.add(Person(key=key, name=f"Student {number}"))
                image = images[number % len(images)]
                face = NewFace(
                    person=key, model=model, embedding=vector, image=image, content_type="image/jpeg"
                )
                records.faces.add(face)
            return records.faces.count()
    finally:
        database.close()


def enrol_photos(database_url: str, model: str, dimensions: int, count: int) -> int:
    """`enrol` with the photographs of ../shared's people, over and over."""
    return enrol(database_url, model, dimensions, count, people_photos())
