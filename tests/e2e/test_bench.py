"""The bench runs to its end; its numbers are no test's matter."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.packs import needs_shared
from tests.servers import ROOT, RollcallServer

pytestmark = [pytest.mark.slow, needs_shared]

LIMIT_SECONDS = 540
SERVERS = ("baseline", "baseline 640", "Rollcall")
CALLERS = (1, 4, 10, 32)
NETWORKS = (
    "detector 640x640, batch 1",
    "detector 640x384, batch 1",
    "recogniser, batch 1",
    "recogniser, batch 4",
    "recogniser, batch 8",
)
STEPS = ("decode", "detect", "align", "embed", "gallery: look for changes", "gallery: the nearest face")
TARGETS = (
    "requests a second at 10 callers, against the baseline's",
    "p95 at 10 callers",
    "requests a second at 10 callers, of the bare networks' at batch 8",
    "a lone request (p50), against networks and decoding",
    "memory of all processes, at the most",
    "a picture of 36 megapixels, alone",
    "and its memory besides",
)


def test_the_bench_measures_everything_and_writes_it_down(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "--quick", "--pack", "scrfd_mbf", "--out", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    results = (tmp_path / "RESULTS.md").read_text()
    for server in SERVERS:
        for callers in CALLERS:
            assert f"| {server} | {callers} |" in results
    for row in ("bare networks (the limit)", *NETWORKS, *STEPS):
        assert f"| {row} |" in results, row
    for target in TARGETS:
        assert f"| {target} |" in done.stdout, target
    assert (tmp_path / "results.png").read_bytes().startswith(b"\x89PNG")


def test_a_load_with_other_answers_than_200_fails_and_says_so(server: RollcallServer) -> None:
    command = [sys.executable, "-m", "bench.load", str(server.port), "/api/face/recognize", "4", "1", "0"]
    done = subprocess.run(
        command, cwd=ROOT, input=b"no picture", capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert b"answers other than 200: {'400':" in done.stderr
