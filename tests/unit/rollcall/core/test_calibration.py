import pytest

from rollcall.core.calibration import BUILT_IN, GENERIC, Calibration, Calibrations, CalibrationSource
from rollcall.core.faces import FALLBACK_MODEL


def test_confidence_is_half_at_dlibs_tolerance() -> None:
    assert Calibrations().of(FALLBACK_MODEL).confidence(0.6) == pytest.approx(0.5)


@pytest.mark.parametrize("calibration", [GENERIC, *BUILT_IN.values()])
def test_confidence_rises_with_similarity(calibration: Calibration) -> None:
    values = [calibration.confidence(similarity / 10) for similarity in range(-10, 11)]
    assert values == sorted(values)
    assert all(0 <= value <= 1 for value in values)


def test_a_calibration_says_where_it_comes_from() -> None:
    stored = Calibration(midpoint=0.5, slope=9, operating_point=0.5, source=CalibrationSource.STORED)
    calibrations = Calibrations(stored={"school": stored})
    assert calibrations.of("school") is stored
    assert calibrations.of(FALLBACK_MODEL).source is CalibrationSource.BUILT_IN
    assert calibrations.of("buffalo_l").source is CalibrationSource.GENERIC


def test_a_stored_calibration_comes_before_the_built_in_one() -> None:
    stored = Calibration(midpoint=0.5, slope=9, operating_point=0.5, source=CalibrationSource.STORED)
    assert Calibrations(stored={FALLBACK_MODEL: stored}).of(FALLBACK_MODEL) is stored
