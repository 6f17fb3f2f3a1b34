"""What people wait for while faces are embedded in the background, and without."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import mean

from bench.measure import under_load
from bench.pairs import School
from bench.reembedding import Written
from bench.values import ServerRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many callers, who ask again at once or `every` so many seconds."""

    name: str
    callers: int
    seconds: float
    every: float = 0.0

    def run(self, here: School, picture: bytes) -> ServerRun:
        server = here.loaded_by_bench
        return under_load(server, picture, callers=self.callers, seconds=self.seconds, every=self.every)


@dataclass(slots=True)
class _Rounds:
    """What was measured of one load so far."""

    quiet: list[ServerRun] = field(default_factory=list)
    busy: list[ServerRun] = field(default_factory=list)
    faces_per_second: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled:
    """One load without a re-embedding and with one, which keeps so many faces a second."""

    load: Load
    quiet: ServerRun
    busy: ServerRun
    faces_per_second: float

    @property
    def p95_ratio(self) -> float:
        return self.busy.p95_ms / self.quiet.p95_ms


def throttled(here: School, loads: Sequence[Load], picture: bytes, *, rounds: int) -> list[Throttled]:
    """Measure each load both ways, in turn.

    Raises:
        LoadFailed: a caller got another answer than 200.
        SwitchFailed: all faces were embedded before the load was over.
    """
    found = {load: _Rounds() for load in loads}
    for _ in range(rounds):
        for load, noted in found.items():
            noted.quiet.append(load.run(here, picture))
            here.begin_embedding()
            begun = time.perf_counter()
            with Written(here.url) as written:
                noted.busy.append(load.run(here, picture))
            noted.faces_per_second.append(written.faces / (time.perf_counter() - begun))
            here.cancel()
    return [
        Throttled(
            load=load,
            quiet=ServerRun.median(noted.quiet),
            busy=ServerRun.median(noted.busy),
            faces_per_second=mean(noted.faces_per_second),
        )
        for load, noted in found.items()
    ]
