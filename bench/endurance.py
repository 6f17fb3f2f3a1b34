"""`make bench-endurance`: ten minutes under ten callers, into ENDURANCE.md.

Does memory stay, and is the last minute as fast as the middle one? Two minutes of warm-up come first.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from bench.apart import apart
from bench.machine import describe, load_average
from bench.measure import LoadFailed, under_load
from bench.memory import MemoryLog
from bench.packs import SHARED, BenchPack
from bench.report import table
from bench.servers import ENROLLED, Server, rollcall
from bench.values import ServerRun

RESULTS = Path(__file__).resolve().parent / "ENDURANCE.md"
CALLERS = 10
WARM_UP_MINUTES = 2
MAX_GROWTH = 0.02
MAX_SLOWER = 1.10  # minutes differ by some per cent on a machine that others use too


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """One minute's requests, and the mean memory of all the server's processes."""

    run: ServerRun
    mean_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Endured:
    """The minutes after the warm-up."""

    minutes: Sequence[Minute]

    @property
    def growth(self) -> float:
        """Of memory, from the first minute to the last: 0.01 is one per cent."""
        return self.minutes[-1].mean_mb / self.minutes[0].mean_mb - 1

    @property
    def slower(self) -> float:
        """The last minute's p95 in terms of the middle one's."""
        return self.minutes[-1].run.p95_ms / self.minutes[len(self.minutes) // 2].run.p95_ms

    @property
    def steady(self) -> bool:
        return self.growth < MAX_GROWTH and self.slower <= MAX_SLOWER


def endure(server: Server, picture: bytes, *, minutes: int, seconds: float) -> tuple[list[Minute], Endured]:
    """The warm-up's minutes, and the others. `seconds`: how long a minute is.

    Raises:
        LoadFailed: an answer was no 200.
    """
    found = []
    for _ in range(WARM_UP_MINUTES + minutes):
        with MemoryLog(server.processes) as memory:
            run = under_load(server, picture, callers=CALLERS, seconds=seconds, warm_up=0)
        found.append(Minute(run=run, mean_mb=mean(memory.mb)))
    return found[:WARM_UP_MINUTES], Endured(minutes=found[WARM_UP_MINUTES:])


def markdown(warm_up: Sequence[Minute], endured: Endured, *, how: str) -> str:
    """The whole of ENDURANCE.md."""
    rows = [_row(f"warm-up {number}", minute) for number, minute in enumerate(warm_up, 1)]
    rows += [_row(str(number), minute) for number, minute in enumerate(endured.minutes, 1)]
    return "\n".join(
        [
            "# Ten minutes under load\n",
            "Written by `make bench-endurance`; [README.md](README.md) says what is measured and how.\n",
            table(["", ""], describe()),
            f"{how}\n",
            table(["target", "limit", "measured", ""], _targets(endured)),
            table(["minute", "requests", "p50 ms", "p95 ms", "p99 ms", "memory MB", "CPU s/request"], rows),
        ]
    )


def _targets(endured: Endured) -> Sequence[Sequence[str]]:
    def target(name: str, limit: str, measured: str, reached: bool) -> list[str]:
        return [name, limit, measured, "reached" if reached else "**missed**"]

    requests = sum(minute.run.requests for minute in endured.minutes)
    return [
        target("answers other than 200", "0", f"0 of {requests}", True),  # otherwise the bench had ended
        target(
            "growth of memory, first to last minute",
            f"< {100 * MAX_GROWTH:g} %",
            f"{100 * endured.growth:+.2f} %",
            endured.growth < MAX_GROWTH,
        ),
        target(
            "p95, last minute against the middle one",
            f"≤ {MAX_SLOWER:.2f} x",
            f"{endured.slower:.2f} x",
            endured.slower <= MAX_SLOWER,
        ),
    ]


def _row(name: str, minute: Minute) -> list[str]:
    run = minute.run
    times = [f"{ms:.0f}" for ms in (run.p50_ms, run.p95_ms, run.p99_ms)]
    return [name, str(run.requests), *times, f"{minute.mean_mb:.1f}", f"{run.cpu_seconds:.3f}"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.endurance", description=__doc__)
    parser.add_argument("--minutes", type=int, default=10, help="after the warm-up (10)")
    parser.add_argument("--pack", choices=("r50", "scrfd_mbf", "synthetic"), default="r50")
    parser.add_argument("--quick", action="store_true", help="minutes of a second: does it run?")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the file")
    return parser.parse_args()


def _find_pack(name: str, folder: Path) -> BenchPack:
    if name == "synthetic":
        return apart(BenchPack, "bench.synthetic_school:build", folder)
    return apart(BenchPack, "bench.packs:find_pack", name)


def main() -> int:
    arguments = _arguments()
    if not SHARED.is_dir() and arguments.pack != "synthetic":
        print(f"The pack {arguments.pack} needs the models and photographs in {SHARED}.", file=sys.stderr)
        return 1
    seconds, busy = 1.0 if arguments.quick else 60.0, load_average()
    with tempfile.TemporaryDirectory(prefix="rollcall-endurance-") as name:
        pack = _find_pack(arguments.pack, Path(name))
        if arguments.pack == "synthetic":
            picture = (Path(name) / "people" / "P00" / "1.jpg").read_bytes()
        else:
            picture = apart(bytes, "bench.picture:camera_picture")
        with rollcall(pack, LOG_LEVEL="INFO") as server:
            try:
                warm_up, endured = endure(server, picture, minutes=arguments.minutes, seconds=seconds)
            except LoadFailed as error:
                print(f"FAILED: {error}", file=sys.stderr)
                return 1
            note = server.note
    how = (
        f"{'Only tried out, not measured: ' if arguments.quick else ''}{arguments.pack}, {note}; "
        f"{CALLERS} callers in a closed loop, {WARM_UP_MINUTES} + {arguments.minutes} minutes of "
        f"{seconds:g} s; {ENROLLED:,} enrolled; SQLite; load average before: {busy:.2f}."
    )
    text = markdown(warm_up, endured, how=how)
    arguments.out.write_text(text)
    print(text)
    return 0 if endured.steady or arguments.quick else 1


if __name__ == "__main__":
    sys.exit(main())
