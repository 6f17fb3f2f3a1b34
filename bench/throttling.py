"""What people wait for while faces are embedded in the background, and without."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.measure import under_load
from bench.pairs import Pair, School, school
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


def throttled(of: Pair, loads: Sequence[Load], picture: bytes, *, faces: int, rounds: int) -> list[Throttled]:
    """Measure each load both ways, in turn. The faces must last for the longest."""
    quiet: dict[str, list[ServerRun]] = {load.name: [] for load in loads}
    busy: dict[str, list[ServerRun]] = {load.name: [] for load in loads}
    rates: dict[str, list[float]] = {load.name: [] for load in loads}
    with school(of, faces) as here:
        for _ in range(rounds):
            for load in loads:
                quiet[load.name].append(load.run(here, picture))
                here.begin_embedding()
                with Written(here.url) as written:
                    busy[load.name].append(load.run(here, picture))
                here.cancel()
                rates[load.name].append(written.per_second)
    return [
        Throttled(
            load=load,
            quiet=ServerRun.median(quiet[load.name]),
            busy=ServerRun.median(busy[load.name]),
            faces_per_second=sum(rates[load.name]) / rounds,
        )
        for load in loads
    ]
