"""The switch between two loaded models that every face has: how long its caller waits."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from statistics import median

from bench.measure import under_load
from bench.pairs import AFTER, BEFORE, School, SwitchFailed
from bench.values import ServerRun

CALLERS = 10
EVERY_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """Milliseconds of each switch, and the requests that were answered meanwhile, none of which failed."""

    times_ms: list[float]
    requests: int = 0

    @property
    def median_ms(self) -> float:
        return median(self.times_ms)

    @property
    def longest_ms(self) -> float:
        return max(self.times_ms)


def flips(here: School, picture: bytes, *, times: int) -> tuple[Flips, Flips]:
    """To and fro, while nobody asks and at CALLERS callers. AFTER answers, and has every face.

    Raises:
        LoadFailed: a caller got another answer than 200.
        SwitchFailed: a switch was refused, or not over when it was answered.
    """
    names = cycle((BEFORE, AFTER))

    def flip() -> float:
        begun = time.perf_counter()
        state = here.post_switch(next(names))
        if state != "done":
            raise SwitchFailed(f"a switch between two loaded models was answered as {state}")
        return 1000 * (time.perf_counter() - begun)

    for _ in range(2):  # the rehearsal of either direction is kept for the next time
        flip()
    idle = [flip() for _ in range(times)]
    with ThreadPoolExecutor(1) as pool:
        seconds = times * EVERY_SECONDS
        load = pool.submit(under_load, here.loaded_by_bench, picture, callers=CALLERS, seconds=seconds)
        busy = _while_running(load, flip)
    return Flips(times_ms=idle), Flips(times_ms=busy, requests=load.result().requests)


def _while_running(load: "Future[ServerRun]", flip: Callable[[], float]) -> list[float]:
    times = []
    while not load.done():
        times.append(flip())
        time.sleep(EVERY_SECONDS)
    return times
