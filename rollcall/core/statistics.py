"""What was recognised of late, in figures."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

HOURS: Final = 24
BINS: Final = 20  # of similarity, from 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """Rows of the log that are alike: of one hour, recognised or not, and of one duration."""

    hour: datetime
    recognised: bool
    milliseconds: int | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """How many faces were recognised and how many were not."""

    recognised: int = 0
    not_recognised: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """An hour's attempts; the durations are None where there was none."""

    begins: datetime
    outcomes: Outcomes
    median_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentAttempts:
    """What the log and the similarities hold since a moment. `similarity` is by the number of the bin.

    `complete` is False where there were more rows than are looked at.
    """

    attempts: Sequence[Attempts]
    similarity: Mapping[int, Outcomes]
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """`as_of` is by the database's clock, `hours` are the last ones, the present one included."""

    as_of: datetime
    today: Outcomes
    hours: Sequence[Hour]
    similarity: Sequence[Outcomes]
    complete: bool


def first_hour(now: datetime) -> datetime:
    """When the first of the HOURS hours began of which the present one is the last."""
    return _hour_of(now) - timedelta(hours=HOURS - 1)


def statistics_of(now: datetime, recent: RecentAttempts) -> Statistics:
    """Put rows that are alike into hours and bins; `recent` goes back to `first_hour`."""
    first = first_hour(now)
    by_hour: dict[datetime, list[Attempts]] = {first + timedelta(hours=n): [] for n in range(HOURS)}
    for attempts in recent.attempts:
        # A row of another server's clock may be dated later than now.
        if attempts.hour in by_hour:
            by_hour[attempts.hour].append(attempts)
    today = [each for hour, found in by_hour.items() if hour.date() == now.date() for each in found]
    return Statistics(
        as_of=now,
        today=_outcomes(today),
        hours=[_hour(begins, found) for begins, found in by_hour.items()],
        similarity=[recent.similarity.get(number, Outcomes()) for number in range(BINS)],
        complete=recent.complete,
    )


def percentile(counts: Mapping[int, int], part: float) -> float | None:
    """Of values that occur so many times each, with a straight line between neighbours, as NumPy does it."""
    total = sum(counts.values())
    if not total:
        return None
    place = part * (total - 1)
    lower, upper = _at(counts, math.floor(place)), _at(counts, math.ceil(place))
    return lower + (upper - lower) * (place - math.floor(place))


def _at(counts: Mapping[int, int], place: int) -> int:
    """The value at a place, from 0, when all are put in order."""
    seen = 0
    for value in sorted(counts):
        seen += counts[value]
        if place < seen:
            return value
    raise IndexError(place)


def _hour(begins: datetime, found: Sequence[Attempts]) -> Hour:
    counts: dict[int, int] = {}
    for attempts in found:
        if attempts.milliseconds is not None:
            counts[attempts.milliseconds] = counts.get(attempts.milliseconds, 0) + attempts.count
    return Hour(
        begins=begins,
        outcomes=_outcomes(found),
        median_ms=percentile(counts, 0.5),
        p95_ms=percentile(counts, 0.95),
    )


def _outcomes(found: Iterable[Attempts]) -> Outcomes:
    recognised = not_recognised = 0
    for attempts in found:
        if attempts.recognised:
            recognised += attempts.count
        else:
            not_recognised += attempts.count
    return Outcomes(recognised=recognised, not_recognised=not_recognised)


def _hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


class RecentRecognitions(Protocol):
    """What is read of FaceRecognitionLogs and of what was answered."""

    def now(self) -> datetime:
        """By the database's clock."""
        ...

    def since(self, moment: datetime) -> RecentAttempts:
        """Both since a moment, of a bounded number of rows: the newest."""
        ...
