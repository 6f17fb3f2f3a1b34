"""Stored calibrations, and how servers hear of them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from db.engine import SqlDatabase
from rollcall.core.calibration import Calibration, CalibrationSource
from rollcall.core.records import SHARED, StoredCalibration
from tests.db.rows import new_face


def calibration(model: str = "buffalo_l", midpoint: float = 0.1 + 0.2) -> StoredCalibration:
    return StoredCalibration(
        model=model,
        calibration=Calibration(
            midpoint=midpoint,
            slope=17.123456789012345,
            operating_point=1 / 3,
            source=CalibrationSource.STORED,
        ),
        same_pairs=34,
        different_pairs=266,
    )


def put(database: SqlDatabase, new: StoredCalibration) -> None:
    with database.transaction() as records:
        records.calibrations.put(new)


def test_a_calibration_is_read_as_it_was_stored_and_with_its_time(database: SqlDatabase) -> None:
    put(database, calibration())
    with database.transaction() as records:
        [found] = records.calibrations.all()
    assert isinstance(found.stored_at, datetime)
    assert replace(found, stored_at=None) == calibration()


def test_there_is_none_at_first(database: SqlDatabase) -> None:
    with database.transaction() as records:
        assert records.calibrations.all() == []


def test_a_model_has_one_and_the_last_counts(database: SqlDatabase) -> None:
    put(database, calibration(midpoint=0.2))
    put(database, calibration("another"))
    put(database, calibration(midpoint=0.4))
    with database.transaction() as records:
        found = {entry.model: entry.calibration.midpoint for entry in records.calibrations.all()}
    assert found == {"another": 0.1 + 0.2, "buffalo_l": 0.4}


def test_names_that_differ_in_case_are_two_models(database: SqlDatabase) -> None:
    put(database, calibration("pack"))
    put(database, calibration("Pack"))
    with database.transaction() as records:
        assert [entry.model for entry in records.calibrations.all()] == ["Pack", "pack"]


def test_storing_is_noted_in_the_change_table_among_the_faces(database: SqlDatabase) -> None:
    put(database, calibration())
    with database.transaction() as records:
        before = records.changes.latest()
        face = records.faces.add(new_face())
    put(database, calibration())
    with database.transaction() as records:
        assert records.changes.after(before).changed == frozenset({face, SHARED})


def test_many_may_store_at_once(database: SqlDatabase) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: put(database, calibration(midpoint=n / 10)), range(8)))
    with database.transaction() as records:
        assert len(records.calibrations.all()) == 1
