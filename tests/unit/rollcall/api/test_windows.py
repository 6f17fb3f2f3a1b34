"""Counting in memory: exact, sliding, and of bounded size."""

import asyncio

from rollcall.api.windows import Windows


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def hits(windows: Windows, caller: str, count: int) -> int:
    """How many of so many requests at once are let through, at most 100 a minute."""

    async def scene() -> int:
        return sum(await asyncio.gather(*(windows.acquire_entry(caller, 100, 60) for _ in range(count))))

    return asyncio.run(scene())


def test_exactly_100_of_101_pass() -> None:
    assert hits(Windows(), "a", 101) == 100


def test_the_window_slides_with_the_requests() -> None:
    clock = Clock()
    windows = Windows(clock=clock)
    assert hits(windows, "a", 60) == 60
    clock.now += 30
    assert hits(windows, "a", 60) == 40
    clock.now += 30  # the first 60 are over, the 40 are not
    assert asyncio.run(windows.get_moving_window("a", 100, 60)) == (1030.0, 40)
    assert hits(windows, "a", 100) == 60


def test_a_refused_request_does_not_count() -> None:
    clock = Clock()
    windows = Windows(clock=clock)
    hits(windows, "a", 150)
    clock.now += 59
    assert hits(windows, "a", 50) == 0
    clock.now += 1
    assert hits(windows, "a", 100) == 100


def test_callers_are_counted_apart() -> None:
    windows = Windows()
    assert (hits(windows, "a", 100), hits(windows, "b", 100), hits(windows, "a", 1)) == (100, 100, 0)


def test_who_has_not_called_for_a_minute_is_forgotten() -> None:
    clock = Clock()
    windows = Windows(clock=clock)
    for caller in range(500):
        hits(windows, f"address {caller}", 1)
    assert len(windows) == 500
    clock.now += 61
    hits(windows, "another", 1)
    assert len(windows) == 1


def test_it_knows_only_so_many_callers_at_a_time() -> None:
    clock = Clock()
    windows = Windows(max_callers=10, clock=clock)
    for caller in range(1000):
        clock.now += 0.001
        hits(windows, f"address {caller}", 1)
    assert len(windows) == 10
    assert asyncio.run(windows.get_moving_window("address 999", 100, 60))[1] == 1
    assert asyncio.run(windows.get_moving_window("address 0", 100, 60))[1] == 0
