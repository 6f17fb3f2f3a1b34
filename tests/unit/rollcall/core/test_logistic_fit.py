import numpy as np
import pytest
from numpy.typing import NDArray

from rollcall.core.logistic_fit import fit_logistic

SLOPE = 20.0


def drawn(count: int, mean: float, seed: int = 0) -> NDArray[np.float64]:
    """Normally distributed with a spread such that two classes 0.4 apart have log-odds of slope 20."""
    return np.random.default_rng(seed).normal(mean, np.sqrt(0.4 / SLOPE), count)


def test_two_normal_classes_give_the_curve_that_theory_says() -> None:
    # For classes of equal spread the log-odds are linear: slope = distance of the means / variance.
    midpoint, slope = fit_logistic(drawn(20_000, 0.6, 1), drawn(20_000, 0.2, 2))
    assert midpoint == pytest.approx(0.4, abs=0.01)
    assert slope == pytest.approx(SLOPE, rel=0.05)


def test_more_pairs_of_two_people_do_not_move_the_curve() -> None:
    midpoint, slope = fit_logistic(drawn(2_000, 0.6, 1), drawn(50_000, 0.2, 2))
    assert midpoint == pytest.approx(0.4, abs=0.01)
    assert slope == pytest.approx(SLOPE, rel=0.1)


def test_each_pair_counted_three_times_gives_the_same_curve() -> None:
    same, different = drawn(3_000, 0.6, 3), drawn(3_000, 0.2, 4)
    once = fit_logistic(same, different)
    # Not exactly: more pairs justify a slightly steeper curve.
    assert fit_logistic(np.repeat(same, 3), np.repeat(different, 3)) == pytest.approx(once, rel=0.01)


def test_separable_pairs_give_a_finite_curve_between_them_that_more_pairs_make_steeper() -> None:
    few = fit_logistic(np.full(5, 0.7), np.full(5, 0.1))
    many = fit_logistic(np.full(500, 0.7), np.full(500, 0.1))
    assert [few[0], many[0]] == pytest.approx([0.4, 0.4])
    # Platt's target for five pairs is 6/7, whose log-odds are ln 6, at 0.3 above the midpoint.
    assert few[1] == pytest.approx(np.log(6) / 0.3, rel=1e-3)
    assert many[1] == pytest.approx(np.log(501) / 0.3, rel=1e-3)


def test_one_pair_of_each_kind_is_enough() -> None:
    midpoint, slope = fit_logistic(np.array([0.9]), np.array([0.1]))
    assert midpoint == pytest.approx(0.5, abs=1e-4)
    assert slope > 0


@pytest.mark.parametrize(("same", "different"), [([0.2, 0.3], [0.6, 0.7]), ([0.5, 0.5], [0.5, 0.5])])
def test_same_pairs_that_are_no_more_alike_give_no_rising_curve(
    same: list[float], different: list[float]
) -> None:
    midpoint, slope = fit_logistic(np.array(same), np.array(different))
    assert slope <= 0
    assert np.isfinite([midpoint, slope]).all()
