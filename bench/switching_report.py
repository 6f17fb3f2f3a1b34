"""What a change of models costs, as Markdown."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench.flips import CALLERS, Flips
from bench.pairs import TITLES
from bench.reembedding import Reembedded
from bench.report import table
from bench.throttling import Throttled

LEAST_SHARE = 0.8
MOST_P95 = 1.5
MOST_MS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchResult:
    """What was measured of one pair of models."""

    pair: str
    reembedded: Reembedded
    idle: Flips
    busy: Flips
    throttled: Sequence[Throttled]


def markdown(
    results: Sequence[SwitchResult],
    rehearsals: Sequence[tuple[int, float]],
    *,
    machine: Iterable[tuple[str, str]],
    how: str,
) -> str:
    """The whole of SWITCHING.md; `rehearsals`: faces and seconds."""
    return "\n".join(
        [
            "# What a change of models costs\n",
            "Written by `make bench-switching`; [README.md](README.md) says what is measured and how.\n",
            table(["", ""], machine),
            f"{how}\n",
            "## Targets\n",
            table(["target", "limit", "model", "measured", ""], _targets(results)),
            "## Faces a second, when nothing else runs\n",
            table(
                [
                    "to",
                    "FaceEngine, side by side",
                    "one batch after the other",
                    "the server",
                    "share",
                    "rounds",
                ],
                map(_reembedded, results),
            ),
            "## Recognising while faces are re-embedded\n",
            table(_WAITS, (row for result in results for row in _waits(result))),
            "## A switch between two loaded models that every face has\n",
            table(_FLIPS, (row for result in results for row in _flips(result))),
            "## The rehearsal, 512 numbers a face\n",
            table(["faces", "seconds"], ([f"{faces:,}", f"{seconds:.2f}"] for faces, seconds in rehearsals)),
        ]
    )


_WAITS = ["to", "load", "p50 ms", "meanwhile", "p95 ms", "meanwhile", "p95 ratio", "faces/s", "requests"]
_FLIPS = ["to", "load", "switches", "median ms", "longest ms", "requests", "failed"]


def _targets(results: Sequence[SwitchResult]) -> Iterator[list[str]]:
    for result in results:
        share = result.reembedded.share
        yield _row(
            "re-embedding, of FaceEngine's rate",
            f"≥ {LEAST_SHARE:.0%}",
            result,
            f"{share:.0%}",
            share >= LEAST_SHARE,
        )
    for result in results:
        for one in result.throttled:
            name = f"p95 while re-embedding, {one.load.name}"
            yield _row(name, f"≤ {MOST_P95:g} x", result, f"{one.p95_ratio:.2f} x", one.p95_ratio <= MOST_P95)
    for result in results:
        for flips, load in ((result.idle, "idle"), (result.busy, f"{CALLERS} callers")):
            ms = flips.longest_ms
            yield _row(f"the longest switch, {load}", f"< {MOST_MS} ms", result, f"{ms:.0f} ms", ms < MOST_MS)


def _row(name: str, limit: str, result: SwitchResult, measured: str, reached: bool) -> list[str]:
    return [name, limit, TITLES[result.pair], measured, "reached" if reached else "**missed**"]


def _reembedded(result: SwitchResult) -> list[str]:
    found = result.reembedded
    return [
        TITLES[result.pair],
        f"{found.side_by_side:.1f}",
        f"{found.alone:.1f}",
        f"{found.by_server:.1f}",
        f"{found.share:.0%}",
        ", ".join(f"{server:.1f} of {engine.best:.1f}" for server, engine in found.rounds),
    ]


def _waits(result: SwitchResult) -> Iterator[list[str]]:
    for one in result.throttled:
        times = (one.quiet.p50_ms, one.busy.p50_ms, one.quiet.p95_ms, one.busy.p95_ms)
        yield [
            TITLES[result.pair],
            one.load.name,
            *(f"{ms:.0f}" for ms in times),
            f"{one.p95_ratio:.2f}",
            f"{one.faces_per_second:.1f}",
            str(one.busy.requests),
        ]


def _flips(result: SwitchResult) -> Iterator[list[str]]:
    for flips, load in ((result.idle, "nobody"), (result.busy, f"{CALLERS} callers")):
        yield [
            TITLES[result.pair],
            load,
            str(len(flips.times_ms)),
            f"{flips.median_ms:.0f}",
            f"{flips.longest_ms:.0f}",
            str(flips.requests),
            "0",  # any other answer than a 200 ends the bench
        ]
