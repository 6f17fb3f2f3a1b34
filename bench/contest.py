"""The servers in turn, round after round, under the same loads; never two at a time."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench.measure import big_picture, under_load
from bench.packs import BenchPack
from bench.servers import Server, baseline, rollcall
from bench.values import BigRun, Contender, ServerRun

CALLERS = (1, 4, 10, 32)
ROLLCALL = "Rollcall"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long to measure, and with what."""

    seconds: float
    rounds: int
    big_times: int
    picture: bytes
    big_photo: Path


@dataclass(slots=True)
class _Notes:
    """What was measured of one server so far."""

    note: str = ""
    big: BigRun | None = None
    runs: dict[int, list[ServerRun]] = field(default_factory=lambda: {callers: [] for callers in CALLERS})


def contest(pack: BenchPack, plan: Plan, say: Callable[[str], None]) -> Sequence[Contender]:
    """Measure all servers; Rollcall comes last.

    The servers take turns, so that a machine that slows down slows all of them. Each turn is a fresh start.
    """
    entrants: Mapping[str, Callable[[], AbstractContextManager[Server]]] = {
        "baseline": partial(baseline, pack, "default"),
        "baseline 640": partial(baseline, pack, "640"),
        ROLLCALL: partial(rollcall, pack),
    }
    notes = {name: _Notes() for name in entrants}
    for number in range(plan.rounds):
        for name, start in entrants.items():
            say(f"{pack.name}: {name}, round {number + 1} of {plan.rounds}")
            with start() as server:
                _turn(server, notes[name], plan)
    return [_contender(name, found) for name, found in notes.items()]


def _turn(server: Server, notes: _Notes, plan: Plan) -> None:
    notes.note = server.note
    if notes.big is None:
        notes.big = big_picture(server, plan.big_photo, plan.picture, times=plan.big_times)
    for callers in CALLERS:
        notes.runs[callers].append(under_load(server, plan.picture, callers=callers, seconds=plan.seconds))


def _contender(name: str, notes: _Notes) -> Contender:
    assert notes.big is not None
    return Contender(
        name=name,
        note=notes.note,
        runs=[ServerRun.median(runs) for runs in notes.runs.values()],
        big=notes.big,
        rounds_per_second=[run.per_second for run in notes.runs[10]],
    )
