"""The gallery and the change table, on real databases."""

import numpy as np
import pytest

from db.engine import SqlDatabase
from rollcall.core.calibration import Calibration, CalibrationSource
from rollcall.core.matching import Thresholds
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import NewFace, StoredCalibration
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
    gallery.refresh()
    ranked = gallery.rank({PACK: np.eye(8, dtype=np.float32)[number]}, THRESHOLDS)
    return ranked[0].person.code if ranked and THRESHOLDS.accepts(ranked[0]) else None


def test_the_gallery_is_filled_from_the_database(database: SqlDatabase) -> None:
    add(database, 1)
    assert nearest(FaceGallery(database), 1) == "S1"


def test_a_face_enrolled_elsewhere_is_seen(database: SqlDatabase) -> None:
    gallery = FaceGallery(database)
    assert nearest(gallery, 2) is None
    add(database, 2)
    assert nearest(gallery, 2) == "S2"


def test_a_deleted_face_is_forgotten(database: SqlDatabase) -> None:
    gallery = FaceGallery(database)
    face_id = add(database, 3)
    assert nearest(gallery, 3) == "S3"
    with database.transaction() as records:
        records.faces.remove(face_id)
    assert nearest(gallery, 3) is None


def test_a_change_that_was_rolled_back_is_not_seen(database: SqlDatabase) -> None:
    gallery = FaceGallery(database)

    def add_and_fail() -> None:
        with database.transaction() as records:
            records.faces.add(new_face(4))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        add_and_fail()
    assert nearest(gallery, 4) is None


def test_comparing_with_one_person_looks_at_that_person_alone(database: SqlDatabase) -> None:
    gallery = FaceGallery(database)
    add(database, 1)
    add(database, 2)
    gallery.refresh()
    probe = {PACK: np.eye(8, dtype=np.float32)[1]}
    match = gallery.compare(probe, PersonKey(type=PersonType.STUDENT, code="s2"), THRESHOLDS)
    assert match is not None
    assert match.similarity == 0.0
    nobody = PersonKey(type=PersonType.STUDENT, code="S9")
    assert gallery.compare(probe, nobody, THRESHOLDS) is None


def test_a_calibration_that_is_stored_later_is_taken_into_use_by_the_next_refresh(
    database: SqlDatabase,
) -> None:
    gallery = FaceGallery(database)
    add(database, 1)
    gallery.refresh()
    assert gallery.calibrations.of(PACK).source is CalibrationSource.GENERIC
    new = Calibration(midpoint=0.3, slope=12.5, operating_point=0.35, source=CalibrationSource.STORED)
    with database.transaction() as records:
        records.calibrations.put(
            StoredCalibration(model=PACK, calibration=new, same_pairs=10, different_pairs=90)
        )
    assert nearest(gallery, 1) == "S1"
    assert gallery.calibrations.of(PACK) == new
    assert gallery.calibrations.of("another").source is CalibrationSource.GENERIC
    restarted = FaceGallery(database)
    restarted.refresh()
    assert restarted.calibrations.of(PACK) == new
