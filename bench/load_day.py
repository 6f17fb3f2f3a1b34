"""`make load`: locustfile.py against a fresh server, and its report in data/load/report.html.

What is not named here goes to Locust: `make load ARGS="--mix kiosk:1 --max-p95-recognize-ms 500"`.
The exit code is Locust's: 0 when everything is within the limits of SPEC section 5.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.apart import apart
from bench.packs import SHARED, BenchPack
from bench.servers import ENROLLED, rollcall
from tests.servers import ROOT, clean_environment

REPORT = ROOT / "data" / "load" / "report.html"
SYNTHETIC = "synthetic"


def _arguments(given: Sequence[str] | None) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(prog="make load", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--pack",
        choices=("r50", "scrfd_mbf", SYNTHETIC),
        default="r50" if SHARED.is_dir() else SYNTHETIC,
        help="the compute of buffalo_m, the real pack of ../shared, or one that needs neither",
    )
    parser.add_argument("--users", default="10", help="callers (10)")
    parser.add_argument("--run-time", default="5m", help="such as 30s or 10m (5m)")
    parser.add_argument("--gallery-size", type=int, default=ENROLLED, help=f"enrolled faces ({ENROLLED})")
    parser.add_argument("--html", type=Path, default=REPORT, help="where the report goes")
    return parser.parse_known_args(given)


def main(given: Sequence[str] | None = None) -> int:
    options, further = _arguments(given)
    # Whoever stops this must not leave the server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="rollcall-load-") as name:
        folder = Path(name)
        if options.pack == SYNTHETIC:
            pack = apart(BenchPack, "bench.synthetic_school:build", folder)
            further = ["--image-folder", str(folder / "people"), *further]
        else:
            pack = apart(BenchPack, "bench.packs:find_pack", options.pack)
        with rollcall(pack, options.gallery_size, LOG_LEVEL="INFO") as server:
            print(f"{options.pack}, {server.note}, {options.gallery_size:,} enrolled", flush=True)
            return _locust(server.port, options, further)


def _locust(port: int, options: argparse.Namespace, further: Sequence[str]) -> int:
    ours = {
        "--locustfile": ROOT / "locustfile.py",
        "--host": f"http://127.0.0.1:{port}",
        "--users": options.users,
        "--spawn-rate": options.users,  # all within a second
        "--run-time": options.run_time,
        "--stop-timeout": 60,  # a request under way at the end is answered, and counts
        "--gallery-size": options.gallery_size,
        "--session-id": 1,
        "--html": options.html.resolve(),
    }
    command = [sys.executable, "-m", "locust", "--headless", "--only-summary"]
    named = [str(part) for pair in ours.items() for part in pair]
    done = subprocess.run([*command, *named, *further], cwd=ROOT, env=clean_environment({}), check=False)
    if options.html.exists():
        print(f"The report is in {options.html}.")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
