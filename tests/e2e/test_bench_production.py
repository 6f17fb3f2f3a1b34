"""The benches of ten minutes and of the overhead run to their end; their numbers are no test's matter."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import ROOT

pytestmark = pytest.mark.slow

LIMIT_SECONDS = 400


def run(module: str, *options: str) -> str:
    """What it wrote."""
    command = [sys.executable, "-m", module, "--quick", *options]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    text = Path(options[-1]).read_text()
    assert text in done.stdout
    assert "Only tried out, not measured" in text
    return text


def test_each_minute_under_load_is_written_down(tmp_path: Path) -> None:
    text = run(
        "bench.endurance", "--pack", "synthetic", "--minutes", "3", "--out", str(tmp_path / "ENDURANCE.md")
    )
    for row in ("warm-up 1", "warm-up 2", "1", "2", "3"):
        assert f"\n| {row} | " in text, row
    for target in (
        "answers other than 200",
        "growth of memory, first to last minute",
        "p95, last minute against the middle one",
    ):
        assert f"| {target} |" in text, target


def test_each_layer_is_taken_out_once(tmp_path: Path) -> None:
    text = run("bench.overhead", "--out", str(tmp_path / "OVERHEAD.md"))
    for row in (
        "nothing",
        "nothing, once more",
        "middleware RequestId",
        "middleware Cors",
        "middleware LastNet",
        "log lines",
        "rate limit and queue",
        "metrics, logs and limits",
    ):
        assert f"\n| {row} | " in text, row
    for kind in ("a list", "a recognition"):
        assert f"| metrics, logs and limits together, {kind} | < 1 ms |" in text
    assert "The supervisor carries each log line: " in text
