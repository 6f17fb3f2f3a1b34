"""Bytes of bodies: never more than there may be, and all given back."""

import pytest

from rollcall.api.bodies import MAX_BATCH_BODY_BYTES
from rollcall.api.body_budget import MAX_BYTES, BodyBudget
from rollcall.core.errors import Overloaded


def test_a_batch_fits_beside_another_callers() -> None:
    budget = BodyBudget()
    with budget.body("one") as first, budget.body("other") as second:
        for body in (first, second):
            body.expect(MAX_BATCH_BODY_BYTES)
            body.take(MAX_BATCH_BODY_BYTES)


def test_all_bodies_together_hold_so_much_and_no_more() -> None:
    budget = BodyBudget(max_bytes=100, max_bytes_of_one=60)
    with budget.body("one") as first:
        first.take(60)
        with budget.body("other") as second:
            second.take(40)
            for refuses in (second.expect, second.take):
                with pytest.raises(Overloaded):
                    refuses(1)
            assert budget.held_bytes == 100
        assert budget.held_bytes == 60
    assert (budget.held_bytes, budget.callers) == (0, 0)


def test_one_caller_alone_cannot_take_all() -> None:
    budget = BodyBudget()
    with budget.body("one") as first, budget.body("one") as second:
        first.take(MAX_BYTES // 2)
        with pytest.raises(Overloaded):
            second.take(1)
        with budget.body("other") as other:
            other.take(MAX_BYTES // 4)


def test_an_exempt_caller_has_no_limit_of_his_own_but_counts_with_all() -> None:
    budget = BodyBudget(max_bytes=100, max_bytes_of_one=10, max_sending_of_one=1)
    with budget.body(None) as body, body.under_way(), budget.body(None) as another, another.under_way():
        body.take(100)
        with pytest.raises(Overloaded):
            another.take(1)
        assert (budget.sending, budget.callers) == (2, 0)
    assert (budget.held_bytes, budget.sending) == (0, 0)


def test_what_is_expected_does_not_count() -> None:
    budget = BodyBudget(max_bytes=100)
    with budget.body("one") as body:
        body.expect(100)
        assert budget.held_bytes == 0


def test_a_request_that_fails_gives_everything_back() -> None:
    budget = BodyBudget(max_sending_of_one=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            send_and_fail(budget)
    assert (budget.held_bytes, budget.sending, budget.callers) == (0, 0, 0)


def send_and_fail(budget: BodyBudget) -> None:
    with budget.body("one") as body, body.under_way():
        body.take(7)
        raise ZeroDivisionError


def test_a_body_that_has_come_is_no_longer_under_way_but_held() -> None:
    budget = BodyBudget(max_sending_of_one=1)
    with budget.body("one") as body:
        with body.under_way():
            body.take(7)
            with budget.body("one") as second, pytest.raises(Overloaded), second.under_way():
                pass
        assert (budget.held_bytes, budget.sending) == (7, 0)
        with budget.body("one") as second, second.under_way():
            assert budget.sending == 1
