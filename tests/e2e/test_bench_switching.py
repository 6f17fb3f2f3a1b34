"""The bench of a change of models runs to its end; its numbers are no test's matter."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.packs import needs_shared
from tests.servers import ROOT

pytestmark = [pytest.mark.slow, needs_shared]

LIMIT_SECONDS = 540


def test_what_a_change_of_models_costs_is_measured_and_written_down(tmp_path: Path) -> None:
    results = tmp_path / "SWITCHING.md"
    command = [sys.executable, "-m", "bench.switching", "--quick", "--out", str(results)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    text = results.read_text()
    assert "Only tried out, not measured" in text
    for target in (
        "re-embedding, of FaceEngine's rate | ≥ 80%",
        "p95 while re-embedding, 10 callers | ≤ 1.5 x",
        "p95 while re-embedding, a call every 0.5 s | ≤ 1.5 x",
        "the longest switch, idle | < 100 ms",
        "the longest switch, 10 callers | < 100 ms",
    ):
        assert f"| {target} | MobileFaceNet |" in text, target
    for row in ("10 callers", "a call every 0.5 s", "nobody"):
        assert f"| MobileFaceNet | {row} |" in text, row
    for faces in (100, 300):
        assert f"| {faces} |" in text
