"""`python -m bench`: measure everything in turn, and write RESULTS.md and results.png."""

import argparse
import sys
from pathlib import Path

from bench.apart import apart
from bench.contest import CALLERS, Plan, contest
from bench.machine import describe, load_average
from bench.measure import LoadFailed
from bench.packs import SHARED, BenchPack, big_photo
from bench.report import PLOT, markdown, target_table
from bench.servers import ENROLLED
from bench.targets import PACK
from bench.timing import Timing
from bench.values import PackResult, RawResult

_PACKS = ("scrfd_mbf", "r50")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few requests only: does it run?")
    parser.add_argument("--pack", choices=(*_PACKS, "both"), default="both")
    parser.add_argument("--seconds", type=float, default=10, help="of each load, after its warm-up")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent, help="folder")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seconds, arguments.rounds = 0.5, 1
    return arguments


def _say(text: str) -> None:
    print(text, flush=True)


def _measure(pack: BenchPack, plan: Plan, *, quick: bool) -> PackResult:
    timing = Timing(seconds=0.1, repetitions=1) if quick else Timing(seconds=1.0, repetitions=5)
    _say(f"{pack.name}: bare networks")
    raw = apart(RawResult, "bench.raw:measure", pack, plan.picture, timing)
    _say(f"{pack.name}: step by step")
    steps = apart(list, "bench.steps:measure", pack, plan.picture, ENROLLED, 3 if quick else 100)
    *baselines, rollcall = contest(pack, plan, _say)
    return PackResult(pack=pack.name, raw=raw, steps=steps, baselines=baselines, rollcall=rollcall)


def main() -> int:
    arguments = _arguments()
    if not SHARED.is_dir():
        print(f"The bench needs the models and photographs in {SHARED}.", file=sys.stderr)
        return 1
    plan = Plan(
        seconds=arguments.seconds,
        rounds=arguments.rounds,
        big_times=2 if arguments.quick else 7,
        picture=apart(bytes, "bench.picture:camera_picture"),
        big_photo=big_photo(),
    )
    busy = load_average()
    chosen = _PACKS if arguments.pack == "both" else (arguments.pack,)
    packs = [apart(BenchPack, "bench.packs:find_pack", name) for name in chosen]
    try:
        results = [_measure(pack, plan, quick=arguments.quick) for pack in packs]
    except LoadFailed as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    how = (
        f"{'Only tried out, not measured: ' if arguments.quick else ''}{arguments.rounds} rounds of "
        f"{arguments.seconds:g} s for each of {', '.join(map(str, CALLERS))} callers; a JPEG of "
        f"{len(plan.picture) // 1000} kB; {ENROLLED:,} enrolled; load average before: {busy:.2f}."
    )
    _write(arguments.out, results, how)
    return 0


def _write(folder: Path, results: list[PackResult], how: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = markdown(results, machine=describe(), how=how)
    (folder / "RESULTS.md").write_text(text)
    apart(int, "bench.plot:draw", results, folder / PLOT)
    _say(text)
    for result in results:
        _say(f"{result.pack}{'' if result.pack == PACK else ' (the targets are for r50)'}:")
        _say(target_table(result))


if __name__ == "__main__":
    sys.exit(main())
