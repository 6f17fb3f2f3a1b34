"""How long the rehearsal before a switch takes."""

import tempfile
import time
from pathlib import Path

import numpy as np

from bench.fill import random_embeddings
from bench.pairs import AFTER, BEFORE
from db.engine import open_database
from db.migrate import migrate
from rollcall.core.database_ports import Records
from rollcall.core.faces import Embeddings
from rollcall.core.people import Person, PersonKey, PersonType
from rollcall.core.records import FurtherEmbedding, NewFace
from rollcall.gallery.gallery import FaceGallery
from rollcall.workflows.rehearse import rehearse

_IMAGE = b"none"


def rehearsal_seconds(faces: int) -> float:
    """Of so many faces, two a person, with random embeddings by either model. For a fresh process."""
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
        database = open_database(f"sqlite:///{Path(folder) / 'rollcall.db'}", 1)
        try:
            migrate(database)
            with database.transaction() as records:
                _enrol(records, random_embeddings(faces))
            gallery = FaceGallery(database, limit=60)
            gallery.follow()
            begun = time.perf_counter()
            found = rehearse(gallery, BEFORE, AFTER, lambda: None)
            elapsed = time.perf_counter() - begun
        finally:
            database.close()
    if (found.faces, found.probes, len(found.lost)) != (faces, faces, 0):
        raise ValueError("not all faces were rehearsed")
    return elapsed


def _enrol(records: Records, vectors: Embeddings) -> None:
    further = []
    for number, vector in enumerate(vectors):
        key = PersonKey(type=PersonType.STUDENT, code=f"B{number // 2:05}")
        if number % 2 == 0:
            records.people.add(Person(key=key, name=f"Student {number}"))
        face = NewFace(person=key, model=BEFORE, embedding=vector, image=_IMAGE, content_type="image/jpeg")
        face_id = records.faces.add(face)
        further.append(FurtherEmbedding(face_id=face_id, image_crc32=None, vector=np.flip(vector)))
    records.faces.add_further(AFTER, further)
