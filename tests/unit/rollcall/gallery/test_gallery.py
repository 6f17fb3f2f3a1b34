"""The gallery and the change table, on real databases."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from db import tables
from db.changes import SqlChanges
from db.engine import SqlDatabase
from rollcall.core.calibration import Calibration, CalibrationSource
from rollcall.core.errors import DatabaseError
from rollcall.core.matching import Thresholds
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import EVERYTHING, NewFace, StoredCalibration
from rollcall.gallery.gallery import FaceGallery

PACK = "pack"
THRESHOLDS = Thresholds(active_model=PACK, min_similarity=0.4)


def new_face(number: int) -> NewFace:
    return NewFace(
        person=PersonKey(type=PersonType.STUDENT, code=f"S{number}"),
        model=PACK,
        embedding=np.eye(8, dtype=np.float32)[number],
        image=b"picture",
        content_type="image/jpeg",
    )


def add(database: SqlDatabase, number: int) -> int:
    with database.transaction() as records:
        return records.faces.add(new_face(number))


def nearest(gallery: FaceGallery, number: int) -> str | None:
    gallery.follow()
    ranked = gallery.rank({PACK: np.eye(8, dtype=np.float32)[number]}, THRESHOLDS)
    return ranked[0].person.code if ranked and THRESHOLDS.accepts(ranked[0]) else None


def test_the_gallery_is_filled_from_the_database(database: SqlDatabase) -> None:
    add(database, 1)
    assert nearest(FaceGallery(database, limit=60), 1) == "S1"


def test_a_face_enrolled_elsewhere_is_seen(database: SqlDatabase) -> None:
    gallery = FaceGallery(database, limit=60)
    assert nearest(gallery, 2) is None
    add(database, 2)
    assert nearest(gallery, 2) == "S2"


def test_a_deleted_face_is_forgotten(database: SqlDatabase) -> None:
    gallery = FaceGallery(database, limit=60)
    face_id = add(database, 3)
    assert nearest(gallery, 3) == "S3"
    with database.transaction() as records:
        records.faces.remove(face_id)
    assert nearest(gallery, 3) is None


def test_a_change_that_was_rolled_back_is_not_seen(database: SqlDatabase) -> None:
    gallery = FaceGallery(database, limit=60)

    def add_and_fail() -> None:
        with database.transaction() as records:
            records.faces.add(new_face(4))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        add_and_fail()
    assert nearest(gallery, 4) is None


def test_comparing_with_one_person_looks_at_that_person_alone(database: SqlDatabase) -> None:
    gallery = FaceGallery(database, limit=60)
    add(database, 1)
    add(database, 2)
    gallery.follow()
    probe = {PACK: np.eye(8, dtype=np.float32)[1]}
    match = gallery.compare(probe, PersonKey(type=PersonType.STUDENT, code="s2"), THRESHOLDS)
    assert match is not None
    assert match.similarity == 0.0
    nobody = PersonKey(type=PersonType.STUDENT, code="S9")
    assert gallery.compare(probe, nobody, THRESHOLDS) is None


def test_a_calibration_that_is_stored_later_is_taken_into_use_by_the_next_refresh(
    database: SqlDatabase,
) -> None:
    gallery = FaceGallery(database, limit=60)
    add(database, 1)
    gallery.follow()
    assert gallery.calibrations.of(PACK).source is CalibrationSource.GENERIC
    new = Calibration(midpoint=0.3, slope=12.5, operating_point=0.35, source=CalibrationSource.STORED)
    with database.transaction() as records:
        records.calibrations.put(
            StoredCalibration(model=PACK, calibration=new, same_pairs=10, different_pairs=90)
        )
    assert nearest(gallery, 1) == "S1"
    assert gallery.calibrations.of(PACK) == new
    assert gallery.calibrations.of("another").source is CalibrationSource.GENERIC
    restarted = FaceGallery(database, limit=60)
    restarted.follow()
    assert restarted.calibrations.of(PACK) == new


def test_a_restored_backup_is_taken_over_whole_though_its_log_has_grown_further(
    database: SqlDatabase,
) -> None:
    gallery = FaceGallery(database, limit=60)
    add(database, 1)
    assert nearest(gallery, 1) == "S1"
    with database.connection() as connection:
        for table in (tables.face_data, tables.embeddings, tables.changes):
            connection.execute(table.delete())
    add(database, 2)
    add(database, 3)
    assert nearest(gallery, 1) is None
    assert nearest(gallery, 2) == "S2"
    assert nearest(gallery, 3) == "S3"


def test_everything_is_read_anew_when_the_log_says_so(database: SqlDatabase) -> None:
    gallery = FaceGallery(database, limit=60)
    add(database, 1)
    face_id = add(database, 2)
    assert nearest(gallery, 2) == "S2"
    with database.connection() as connection:
        connection.execute(tables.face_data.delete().where(tables.face_data.c.Id == face_id))
    assert nearest(gallery, 2) == "S2"
    with database.connection() as connection:
        SqlChanges(connection).append([EVERYTHING])
    assert nearest(gallery, 2) is None
    assert nearest(gallery, 1) == "S1"


def test_a_failed_refresh_leaves_the_gallery_as_it_was_and_the_next_one_catches_up(
    database: SqlDatabase,
) -> None:
    gallery = FaceGallery(database, limit=60)
    add(database, 1)
    assert nearest(gallery, 1) == "S1"
    add(database, 2)
    with database.connection() as connection:
        connection.exec_driver_sql("ALTER TABLE RollcallEmbeddings RENAME TO Away")
    with pytest.raises(DatabaseError):
        gallery.follow()
    assert len(gallery.rank({PACK: np.eye(8, dtype=np.float32)[1]}, THRESHOLDS, limit=9)) == 1
    with database.connection() as connection:
        connection.exec_driver_sql("ALTER TABLE Away RENAME TO RollcallEmbeddings")
    assert nearest(gallery, 2) == "S2"


def test_readers_always_find_who_is_enrolled_while_others_come_and_go(database: SqlDatabase) -> None:
    gallery = FaceGallery(database, limit=60)
    add(database, 1)
    gallery.follow()
    done = threading.Event()
    person = PersonKey(type=PersonType.STUDENT, code="S1")
    probe = {PACK: np.eye(8, dtype=np.float32)[1]}

    def read() -> int:
        turns = 0
        while not done.is_set() or not turns:
            [match] = gallery.rank(probe, THRESHOLDS)
            assert (match.person, match.similarity) == (person, 1.0)
            assert gallery.compare(probe, person, THRESHOLDS) is not None
            turns += 1
        return turns

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        try:
            for turn in range(20):
                face_id = add(database, 2 + turn % 6)
                gallery.follow()
                with database.transaction() as records:
                    records.faces.remove(face_id)
                gallery.follow()
        finally:
            done.set()
        assert all(reader.result() for reader in readers)
