import numpy as np
import pytest

from rollcall.core.error_rates import ErrorRates

OVERLAPPING = ErrorRates(same=[0.3, 0.5, 0.6, 0.8], different=[0.0, 0.1, 0.2, 0.4, 0.55])
SEPARABLE = ErrorRates(same=[0.52, 0.7], different=[-0.1, 0.1, 0.24])


@pytest.mark.parametrize(
    ("threshold", "accepted", "rejected"),
    [
        (-1.0, 5, 0),
        (0.2, 3, 0),
        (0.21, 2, 0),
        (0.3, 2, 0),
        (0.31, 2, 1),
        (0.55, 1, 2),
        (0.8, 0, 3),
        (0.81, 0, 4),
    ],
)
def test_a_pair_is_accepted_from_the_threshold_on(threshold: float, accepted: int, rejected: int) -> None:
    assert OVERLAPPING.false_accept(threshold) == accepted / 5
    assert OVERLAPPING.false_reject(threshold) == rejected / 4


def test_ties_are_counted_each() -> None:
    rates = ErrorRates(same=[0.5, 0.5, 0.5], different=[0.5, 0.5, 0.2, 0.2])
    assert (rates.false_accept(0.5), rates.false_reject(0.5)) == (0.5, 0.0)
    assert (rates.false_accept(0.51), rates.false_reject(0.51)) == (0.0, 1.0)


def test_the_order_of_the_pairs_does_not_matter() -> None:
    rates = ErrorRates(same=[0.8, 0.3, 0.6, 0.5], different=[0.55, 0.0, 0.4, 0.2, 0.1])
    assert rates.equal_error() == OVERLAPPING.equal_error()


def test_the_equal_error_rate_of_separable_pairs_is_zero() -> None:
    assert SEPARABLE.equal_error().rate == 0
    assert 0.24 < SEPARABLE.equal_error().threshold <= 0.52


def test_the_equal_error_rate_lies_where_the_curves_meet() -> None:
    rates = ErrorRates(same=[0.3, 0.5, 0.6, 0.8], different=[0.0, 0.1, 0.2, 0.4])
    equal = rates.equal_error()
    assert equal.rate == 0.25
    assert rates.false_accept(equal.threshold) == rates.false_reject(equal.threshold) == 0.25


def test_the_equal_error_rate_of_wholly_mixed_up_pairs_is_one() -> None:
    assert ErrorRates(same=[0.1], different=[0.9]).equal_error().rate == 1


def test_the_operating_point_of_separable_pairs_is_the_middle_of_the_gap() -> None:
    for rate in (0.0, 0.001, 0.4):
        assert SEPARABLE.operating_point(rate) == 0.38


def test_the_operating_point_keeps_to_the_false_accept_rate_with_the_fewest_false_rejects() -> None:
    strict = OVERLAPPING.operating_point(0.0)
    assert strict == 0.575
    assert (OVERLAPPING.false_accept(strict), OVERLAPPING.false_reject(strict)) == (0.0, 0.5)
    lax = OVERLAPPING.operating_point(0.2)
    assert lax == 0.45
    assert (OVERLAPPING.false_accept(lax), OVERLAPPING.false_reject(lax)) == (0.2, 0.25)


@pytest.mark.parametrize("rate", [0.0, 0.001, 0.01, 0.05, 0.3, 0.9])
def test_no_threshold_that_keeps_to_the_rate_rejects_fewer(rate: float) -> None:
    rng = np.random.default_rng(7)
    # Of two decimals, so that there are many ties.
    same, different = rng.normal(0.5, 0.15, 400).round(2), rng.normal(0.2, 0.15, 3000).round(2)
    rates = ErrorRates(same=same, different=different)
    point = rates.operating_point(rate)
    assert rates.false_accept(point) <= rate
    allowed = [t for t in np.linspace(-1, 1, 4001) if rates.false_accept(t) <= rate]
    assert rates.false_reject(point) == min(rates.false_reject(t) for t in allowed)
    assert rates.true_accept_at(rate) == pytest.approx(1 - rates.false_reject(point))


def test_a_rate_that_is_a_whole_number_of_pairs_is_used_up() -> None:
    rates = ErrorRates(same=[0.5], different=[*([0.1] * 2997), 0.7, 0.8, 0.9])
    assert rates.operating_point(0.001) == 0.3


def test_neighbouring_numbers_leave_room_for_a_threshold() -> None:
    below = float(np.nextafter(0.5, 0))
    rates = ErrorRates(same=[0.5], different=[below])
    point = rates.operating_point(0.0)
    assert (rates.false_accept(point), rates.false_reject(point)) == (0.0, 0.0)


def test_pairs_that_no_threshold_tells_apart_leave_the_highest() -> None:
    assert ErrorRates(same=[0.9], different=[1.0]).operating_point(0.0) == 1.0


def test_the_operating_point_is_a_threshold_that_can_be_set() -> None:
    assert ErrorRates(same=[0.1], different=[-0.9]).operating_point(0.0) == 0.0


def test_rates_need_pairs_of_both_kinds() -> None:
    with pytest.raises(ValueError, match="either kind"):
        ErrorRates(same=[], different=[0.1])
