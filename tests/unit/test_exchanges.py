"""What the check of the old pages' calls would let pass."""

from typing import Any

import pytest

from tests.exchanges import Request, differences


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": None}, {"a": None}),
        ("<text>", "said"),
        ("<integer>", 0),
        ("<number>", -0.5),
        ("<score>", 1),
        ("<moment>", "2026-09-01T08:30:00"),
        (["<among others>", {"a": 2}], [{"a": 1}, {"a": 2}]),
        ([], []),
    ],
)
def test_what_is_as_expected_has_no_difference(expected: Any, found: Any) -> None:
    assert differences(expected, found) == []


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ({"a": 1}, {}),
        ({"a": None}, {}),
        ({"a": 1}, [1]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}),
        (True, 1),
        (0, False),
        ("<text>", ""),
        ("<integer>", 1.5),
        ("<integer>", True),
        ("<number>", "1"),
        ("<score>", 1.1),
        ("<moment>", "yesterday"),
        ([{"a": 1}], []),
        ([], [1]),
        (["<among others>", {"a": 2}], [{"a": 1}]),
        (["<among others>", {"a": 2}], {"a": 2}),
    ],
)
def test_what_is_not_as_expected_has_a_difference(expected: Any, found: Any) -> None:
    assert differences(expected, found) != []


def test_a_difference_says_where_it_is() -> None:
    assert differences({"faces": [{"id": 1}]}, {"faces": [{"id": 2}]}) == ["answer.faces[0].id is 2, not 1"]


@pytest.mark.parametrize(
    ("asked", "request_"),
    [
        (False, Request(method="GET", path="/")),
        (False, Request(method="POST", path="/", form={})),
        (True, Request(method="POST", path="/", headers={"Content-Type": "application/json"})),
        (True, Request(method="GET", path="/", headers={"X-API-Key": "secret"})),
        (True, Request(method="DELETE", path="/")),
    ],
)
def test_browsers_ask_before_what_plain_forms_cannot_do(asked: bool, request_: Request) -> None:
    assert request_.asked_first() is asked
