"""The rhythm of a school day: who calls, and how often."""

import argparse
import random

KIOSK, TEACHER, ADMIN, MONITOR = ROLES = ("kiosk", "teacher", "admin", "monitor")
DEFAULT_MIX = "kiosk:7,teacher:1,admin:1,monitor:1"

# How long the pupils crowd at a kiosk after the bell: a third of the time to the next one, at most this.
_RUSH_SECONDS = 20.0
_CROWDED = (1.0, 2.0)  # seconds from one pupil to the next
_QUIET = (4.0, 8.0)
FIRST_PUPIL = (0.0, 1.5)  # seconds after the bell


def parse_mix(text: str) -> dict[str, int]:
    """`kiosk:8,teacher:1,admin:1` → how many of the callers are what; who is not named does not call.

    Raises:
        argparse.ArgumentTypeError: it cannot be understood.
    """
    mix = dict.fromkeys(ROLES, 0)
    for part in text.split(","):
        role, _, share = part.strip().partition(":")
        if role not in mix:
            raise argparse.ArgumentTypeError(f"there is no {role!r}; use {', '.join(ROLES)}")
        if not (share.isascii() and share.isdigit()):
            raise argparse.ArgumentTypeError(f"{role} needs a whole number, such as {role}:1")
        mix[role] = int(share)
    if not any(mix.values()):
        raise argparse.ArgumentTypeError("nobody would call")
    return mix


def above_zero(text: str) -> float:
    """A number of seconds.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return seconds


def kiosk_pause(elapsed: float, bell_every: float, dice: random.Random) -> float:
    """Seconds until the next pupil stands before a kiosk, so many seconds after the first bell."""
    since_bell = elapsed % bell_every
    if since_bell < min(_RUSH_SECONDS, bell_every / 3):
        return dice.uniform(*_CROWDED)
    to_bell = bell_every - since_bell
    return min(dice.uniform(*_QUIET), to_bell + dice.uniform(*FIRST_PUPIL))
