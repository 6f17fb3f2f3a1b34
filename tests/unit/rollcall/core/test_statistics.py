from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import pytest

from rollcall.core.statistics import (
    Attempts,
    Outcomes,
    RecentAttempts,
    Statistics,
    first_hour,
    percentile,
    statistics_of,
)

NOW = datetime(2026, 9, 2, 8, 42, 10)
THIS_HOUR = datetime(2026, 9, 2, 8)


def attempts(
    hours_ago: int, recognised: bool = True, milliseconds: int | None = 40, count: int = 1
) -> Attempts:
    hour = THIS_HOUR - timedelta(hours=hours_ago)
    return Attempts(hour=hour, recognised=recognised, milliseconds=milliseconds, count=count)


def of(*found: Attempts) -> Statistics:
    return statistics_of(NOW, RecentAttempts(attempts=found, similarity={}, complete=True))


@pytest.mark.parametrize("part", [0.0, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("size", [1, 2, 3, 20, 999])
def test_percentiles_are_numpys(part: float, size: int) -> None:
    values = np.random.default_rng(size).integers(0, 300, size)
    expected = np.percentile(values, part * 100)
    assert percentile(Counter(values.tolist()), part) == pytest.approx(expected)


def test_there_is_no_percentile_of_nothing() -> None:
    assert percentile({}, 0.5) is None


def test_the_present_hour_is_the_last_of_24() -> None:
    hours = of().hours
    assert first_hour(NOW) == datetime(2026, 9, 1, 9)
    assert [hour.begins for hour in hours] == [first_hour(NOW) + timedelta(hours=n) for n in range(24)]
    assert hours[-1].begins == THIS_HOUR
    assert {(hour.outcomes, hour.median_ms, hour.p95_ms) for hour in hours} == {(Outcomes(), None, None)}


def test_an_hour_has_its_outcomes_and_durations() -> None:
    last = of(attempts(0, count=3), attempts(0, False, 100), attempts(0, False, None), attempts(1)).hours[-1]
    assert last.outcomes == Outcomes(recognised=3, not_recognised=2)
    assert last.median_ms == 40
    assert last.p95_ms == pytest.approx(91)


def test_today_begins_at_midnight() -> None:
    assert of(attempts(8, count=5), attempts(9, count=7), attempts(0, False)).today == Outcomes(
        recognised=5, not_recognised=1
    )


def test_rows_of_other_times_are_left_out() -> None:
    statistics = of(attempts(24), attempts(-1))
    assert statistics.today == Outcomes()
    assert sum(hour.outcomes.recognised for hour in statistics.hours) == 0


def test_every_bin_of_similarity_is_there() -> None:
    recent = RecentAttempts(attempts=[], similarity={12: Outcomes(recognised=2)}, complete=False)
    statistics = statistics_of(NOW, recent)
    assert len(statistics.similarity) == 20
    assert [n for n, outcomes in enumerate(statistics.similarity) if outcomes.recognised] == [12]
    assert not statistics.complete
