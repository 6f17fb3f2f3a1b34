"""How long to look."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The median of so many repetitions of so many seconds."""

    seconds: float
    repetitions: int
