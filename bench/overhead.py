"""`make bench-overhead`: the CPU time a request that metrics, logs and limits add, into OVERHEAD.md."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.apart import apart
from bench.layers import BLOCK, ENROLLED, Overhead
from bench.machine import describe, load_average
from bench.report import table

RESULTS = Path(__file__).resolve().parent / "OVERHEAD.md"
LIMIT_MICROSECONDS = 1000


def markdown(found: Overhead, *, how: str) -> str:
    """The whole of OVERHEAD.md."""
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
            *("" if number == 0 else f"{cost.saved:+.0f}" for cost in of),
        ]
        for number, of in enumerate(zip(*found.costs.values(), strict=True))
    ]
    return "\n".join(
        [
            "# What metrics, logs and limits cost\n",
            "Written by `make bench-overhead`; [README.md](README.md) says what is measured and how.\n",
            table(["", ""], describe()),
            f"{how}\n",
            table(["target", "limit", "measured", ""], _targets(found)),
            "CPU time of one request, all threads of the process together; each line with one layer taken "
            "out, the last with all of them.\n",
            table(head, rows),
        ]
    )


def _targets(found: Overhead) -> Sequence[Sequence[str]]:
    return [
        [
            f"metrics, logs and limits together, {kind}",
            f"< {LIMIT_MICROSECONDS / 1000:g} ms",
            f"{costs[-1].saved / 1000:.2f} ms",
            "reached" if costs[-1].saved < LIMIT_MICROSECONDS else "**missed**",
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
        # Counting into files, as in a server that BentoML starts, costs more than in memory.
        (Path(name) / "metrics").mkdir()
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(Path(name) / "metrics")
        os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as service.py sets it
        found = apart(Overhead, "bench.layers:measure", Path(name), requests)
    how = (
        f"{'Only tried out, not measured: ' if arguments.quick else ''}{requests:,} requests of each kind "
        f"and line, {BLOCK} in turn; {ENROLLED:,} enrolled; SQLite; the app's middlewares: "
        f"{', '.join(found.middlewares)}; "
        f"load average before: {busy:.2f}."
    )
    text = markdown(found, how=how)
    arguments.out.write_text(text)
    print(text)
    missed = any(costs[-1].saved >= LIMIT_MICROSECONDS for costs in found.costs.values())
    return 1 if missed and not arguments.quick else 0


if __name__ == "__main__":
    sys.exit(main())
