from pathlib import Path

import numpy as np
import pytest

from rollcall.core.calibration import CalibrationSource
from rollcall.core.error_rates import ErrorRates
from rollcall.core.errors import InvalidRequest
from rollcall.core.faces import FALLBACK_MODEL, Embedding
from rollcall.workflows.evaluate import calibrate, compare, photos_in


def at(degrees: float) -> Embedding:
    """A unit vector; the similarity of two is the cosine of the angle between them."""
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], dtype=np.float32)


def test_every_picture_is_compared_with_every_other_once() -> None:
    pairs = compare("pack", [("A", at(0)), ("A", at(10)), ("B", at(60)), ("B", at(90)), ("C", at(180))])
    assert (pairs.people, pairs.pictures) == (3, 5)
    assert pairs.rates.same == pytest.approx(np.cos(np.radians([30, 10])), abs=1e-6)
    assert pairs.rates.different == pytest.approx(
        np.cos(np.radians([180, 170, 120, 90, 90, 80, 60, 50])), abs=1e-6
    )


def test_the_pairs_nearest_to_the_other_kind_are_named_by_their_codes() -> None:
    pairs = compare("pack", [("A", at(0)), ("B", at(60)), ("A", at(10)), ("B", at(90)), ("C", at(180))])
    assert pairs.least_alike.codes == ("B",)
    assert pairs.least_alike.similarity == pairs.rates.same[0]
    assert sorted(pairs.most_alike.codes) == ["A", "B"]
    assert pairs.most_alike.similarity == pairs.rates.different[-1]


def test_the_fallback_engine_is_compared_by_distance() -> None:
    zero, far = np.zeros(2, np.float32), np.array([0.9, 0], np.float32)
    pairs = compare(FALLBACK_MODEL, [("A", zero), ("A", zero), ("B", far)])
    assert pairs.rates.same == pytest.approx([1.0])
    assert pairs.rates.different == pytest.approx([0.4, 0.4])


def test_codes_that_differ_in_case_are_one_person() -> None:
    pairs = compare("pack", [("a1", at(0)), ("A1", at(10)), ("B", at(60))])
    assert (pairs.people, len(pairs.rates.same), len(pairs.rates.different)) == (2, 1, 2)


@pytest.mark.parametrize("codes", [[], ["A", "A"], ["A", "B", "C"]])
def test_there_must_be_a_pair_of_either_kind(codes: list[str]) -> None:
    with pytest.raises(InvalidRequest, match="two p"):
        compare("pack", [(code, at(0)) for code in codes])


def test_a_calibration_has_the_curve_and_the_operating_point() -> None:
    rates = ErrorRates(same=[0.8, 0.9], different=[0.1, 0.2])
    found = calibrate(rates, 0.001)
    assert found.operating_point == 0.5
    assert found.confidence(0.9) > 0.5 > found.confidence(0.1)
    assert found.source is CalibrationSource.STORED


def test_folders_that_mix_people_up_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="Does each folder show one person"):
        calibrate(ErrorRates(same=[0.1, 0.2], different=[0.5, 0.6]), 0.001)


def test_the_pictures_of_a_folder_are_those_in_the_folders_of_people(tmp_path: Path) -> None:
    for name in ("A/2.JPG", "A/1.png", "A/notes.txt", "B/1.webp", "loose.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [(photo.code, photo.path.name) for photo in photos_in(tmp_path)]
    assert found == [("A", "1.png"), ("A", "2.JPG"), ("B", "1.webp")]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read"):
        photos_in(tmp_path / "missing")
