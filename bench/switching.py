"""`python -m bench.switching`: what a change of models costs, into SWITCHING.md."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.apart import apart
from bench.flips import flips
from bench.machine import describe, load_average
from bench.measure import LoadFailed
from bench.pairs import AFTER, TITLES, Pair, SwitchFailed, pair, school
from bench.planned import run
from bench.reembedding import SWITCH_SECONDS, EngineRates, Reembedded, by_server
from bench.switching_report import SwitchResult, markdown
from bench.throttling import Load, throttled

RESULTS = Path(__file__).resolve().parent / "SWITCHING.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of each."""

    pairs: Sequence[str] = tuple(TITLES)
    rounds: int = 2
    faces: int = 300
    flips: int = 20
    enrolled: int = 1_000  # while models are flipped, and while people are kept waiting
    loads: Sequence[Load] = (
        Load(name="1 caller", callers=1, seconds=10),
        Load(name="10 callers", callers=10, seconds=10),
        Load(name="a call every second", callers=1, seconds=30, every=1),
    )
    rehearsed: Sequence[int] = (1_000, 10_000)

    def __str__(self) -> str:
        seconds = ", ".join(f"{load.seconds:g} s ({load.name})" for load in self.loads)
        return (
            f"{self.rounds} rounds of {self.faces} faces re-embedded and of loads of {seconds}; "
            f"{self.enrolled:,} enrolled otherwise; SQLite"
        )


QUICK = Plan(
    pairs=("scrfd_mbf",),
    rounds=1,
    faces=48,
    flips=2,
    enrolled=150,
    loads=(
        Load(name="10 callers", callers=10, seconds=1),
        Load(name="a call every 0.5 s", callers=1, seconds=2, every=0.5),
    ),
    rehearsed=(100, 300),
)


def _measure(of: Pair, plan: Plan, picture: bytes, say: Callable[[str], None]) -> SwitchResult:
    engine, server = [], []
    for number in range(plan.rounds):
        say(f"{of.name}: re-embedding, round {number + 1} of {plan.rounds}")
        engine.append(apart(EngineRates, "bench.reembedding:in_process", of.model_dir, plan.faces))
        server.append(by_server(of, plan.faces))
    with school(of, plan.enrolled) as here:
        say(f"{of.name}: recognitions while faces are re-embedded")
        waits = throttled(here, plan.loads, picture, rounds=plan.rounds)
        here.switch_to(AFTER, SWITCH_SECONDS)
        say(f"{of.name}: switches between loaded models")
        idle, busy = flips(here, picture, times=plan.flips)
    return SwitchResult(
        pair=of.name,
        reembedded=Reembedded(engine=engine, server=server),
        idle=idle,
        busy=busy,
        throttled=waits,
    )


def measure(plan: Plan, say: Callable[[str], None]) -> str:
    """The whole of SWITCHING.md."""
    tried = "Only tried out, not measured: " if plan is QUICK else ""
    how = f"{tried}{plan}; load average before: {load_average():.2f}."
    picture = apart(bytes, "bench.picture:camera_picture")
    results = []
    for name in plan.pairs:
        with pair(name) as of:
            results.append(_measure(of, plan, picture, say))
    say("rehearsals")
    rehearsals = [(n, apart(float, "bench.rehearsal:rehearsal_seconds", n)) for n in plan.rehearsed]
    return markdown(results, rehearsals, machine=describe(), how=how)


def main() -> int:
    return run(
        "bench.switching",
        __doc__,
        results=RESULTS,
        plans=(Plan(), QUICK),
        measure=measure,
        failures=(LoadFailed, SwitchFailed),
    )


if __name__ == "__main__":
    sys.exit(main())
