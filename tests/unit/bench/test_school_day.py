"""Who calls, and how often."""

import argparse
import random

import pytest

from bench.school_day import ROLES, above_zero, kiosk_pause, parse_mix


def test_a_mix_names_callers_and_their_shares() -> None:
    assert parse_mix("kiosk:8, teacher:1,admin:2") == {"kiosk": 8, "teacher": 1, "admin": 2, "monitor": 0}


@pytest.mark.parametrize(
    ("mix", "said"),
    [
        ("pupil:1", "there is no 'pupil'; use kiosk, teacher, admin, monitor"),
        ("", "there is no ''"),
        ("kiosk", "kiosk needs a whole number, such as kiosk:1"),
        ("kiosk:-1", "kiosk needs a whole number"),
        ("kiosk:1.5", "kiosk needs a whole number"),
        ("kiosk:0,admin:0", "nobody would call"),
    ],
)
def test_a_wrong_mix_says_what_is_wrong(mix: str, said: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=said.replace("?", r"\?")):
        parse_mix(mix)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon"])
def test_seconds_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a number above 0"):
        above_zero(text)


def test_all_roles_can_be_named() -> None:
    assert all(parse_mix(f"{role}:1")[role] == 1 for role in ROLES)


def _pauses(elapsed: float, bell_every: float = 60.0) -> list[float]:
    dice = random.Random(1)
    return [kiosk_pause(elapsed, bell_every, dice) for _ in range(1000)]


def test_pupils_follow_each_other_quickly_after_the_bell() -> None:
    for elapsed in (0.0, 19.9, 60.0, 125.0):
        assert all(1 <= pause <= 2 for pause in _pauses(elapsed)), elapsed


def test_pupils_are_few_between_the_bells() -> None:
    assert all(4 <= pause <= 8 for pause in _pauses(25.0))


def test_every_kiosk_has_a_pupil_soon_after_the_bell() -> None:
    arrivals = [59.0 + pause for pause in _pauses(59.0)]
    assert all(60 <= arrival <= 61.5 for arrival in arrivals)
    assert max(arrivals) - min(arrivals) > 1  # not all in one instant
