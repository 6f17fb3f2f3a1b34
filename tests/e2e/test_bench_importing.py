"""The bench of bulk imports runs to its end; its numbers are no test's matter."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.packs import needs_shared
from tests.servers import ROOT

pytestmark = [pytest.mark.slow, needs_shared]

LIMIT_SECONDS = 540


def test_what_an_import_costs_is_measured_and_written_down(tmp_path: Path) -> None:
    results = tmp_path / "IMPORT.md"
    command = [sys.executable, "-m", "bench.importing", "--quick", "--out", str(results)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    text = results.read_text()
    assert "Only tried out, not measured" in text
    for who in ("the command", "the server's job"):
        assert f"| {who}, of FaceEngine's rate | ≥ 80% | MobileFaceNet |" in text
    assert "growth over 200 photos" in text
