"""`make bench-overhead`: the CPU time a request that metrics, logs and limits add, into OVERHEAD.md."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.apart import apart
from bench.costs import Cost
from bench.layers import BLOCK, ENROLLED, Overhead, log_of
from bench.machine import describe, load_average
from bench.report import table

RESULTS = Path(__file__).resolve().parent / "OVERHEAD.md"
LIMIT_MICROSECONDS = 1000
LINES = 5000
BUSY = 0.5  # load average


def markdown(found: Overhead, *, carrying: float, busy: float, how: str) -> str:
    """The whole of OVERHEAD.md. `carrying`: CPU microseconds of a log line; `busy`: the load before."""
    warning = f"**Something else ran on this machine: the load average before was {busy:.2f}.**\n"
    return "\n".join(
        [
            "# What metrics, logs and limits cost\n",
            "Written by `make bench-overhead`; [README.md](README.md) says what is measured and how.\n",
            table(["", ""], describe()),
            f"{how}\n",
            *([warning] if busy > BUSY else []),
            table(["target", "limit", "measured", "", ""], _targets(found, carrying)),
            "CPU time of one request, all threads of the process together; each line with one layer taken "
            "out, the last with all of them. In brackets: half of the rounds lie between. With nothing taken "
            "out once more nothing is saved: what that line shows is the error of measurement.\n",
            _costs(found),
            f"The supervisor carries each log line: {carrying:.0f} µs of its CPU time.\n",
        ]
    )


def total(found: Overhead, kind: str, carrying: float) -> float:
    """CPU microseconds a request of this kind: what the layers take, and its log lines in the supervisor."""
    return found.costs[kind][-1].saved + carrying * found.lines[kind]


def _costs(found: Overhead) -> str:
    kinds = list(found.costs)
    head = [
        "taken out",
        *(f"{kind} costs, µs" for kind in kinds),
        *(f"saved of {kind}, µs" for kind in kinds),
    ]
    rows = [
        [
            "nothing" if number == 0 else of[0].variant,
            *(f"{cost.all_in:.0f}" for cost in of),
            *("" if number == 0 else _saved(cost) for cost in of),
        ]
        for number, of in enumerate(zip(*found.costs.values(), strict=True))
    ]
    return table(head, rows)


def _saved(cost: Cost) -> str:
    return f"{cost.saved:+.0f} ({cost.low:+.0f} to {cost.high:+.0f})"


def _targets(found: Overhead, carrying: float) -> Sequence[Sequence[str]]:
    return [
        [
            f"metrics, logs and limits together, {kind}",
            f"< {LIMIT_MICROSECONDS / 1000:g} ms",
            f"{total(found, kind, carrying) / 1000:.2f} ms",
            "reached" if total(found, kind, carrying) < LIMIT_MICROSECONDS else "**missed**",
            f"{costs[-1].saved / 1000:.2f} ms in the API ({costs[-1].low / 1000:.2f} to "
            f"{costs[-1].high / 1000:.2f}), log lines in the supervisor: {found.lines[kind]:g}",
        ]
        for kind, costs in found.costs.items()
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.overhead", description=__doc__)
    parser.add_argument("--requests", type=int, default=5000, help="of each kind and variant (5000)")
    parser.add_argument("--quick", action="store_true", help="a few requests only: does it run?")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the file")
    arguments = parser.parse_args()
    requests, busy = BLOCK if arguments.quick else arguments.requests, load_average()
    with tempfile.TemporaryDirectory(prefix="rollcall-overhead-") as name:
        folder = Path(name)
        # Counting into files, as in a server that BentoML starts, costs more than in memory.
        (folder / "metrics").mkdir()
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder / "metrics")
        os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as service.py sets it
        found = apart(Overhead, "bench.layers:measure", folder, requests)
        lines = 100 if arguments.quick else LINES
        carrying = apart(float, "bench.carrying:measure", log_of(folder), folder / "carried.log", lines)
    how = (
        f"{'Only tried out, not measured: ' if arguments.quick else ''}{requests:,} requests of each kind "
        f"and line, {BLOCK} in turn, each round in another order; {lines:,} log lines; {ENROLLED:,} "
        f"enrolled; SQLite; the app's middlewares: {', '.join(found.middlewares)}; load average before: "
        f"{busy:.2f}."
    )
    text = markdown(found, carrying=carrying, busy=busy, how=how)
    arguments.out.write_text(text)
    print(text)
    missed = any(total(found, kind, carrying) >= LIMIT_MICROSECONDS for kind in found.costs)
    return 1 if missed and not arguments.quick else 0


if __name__ == "__main__":
    sys.exit(main())
