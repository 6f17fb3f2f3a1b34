"""The bench of the gallery, on few faces: it runs, and says what it found."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(module: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_a_database_is_filled_and_loaded(database_url: str) -> None:
    filled = run("bench.fill", database_url, "30")
    assert filled.returncode == 0, filled.stderr
    loaded = run("bench.gallery_load", database_url)
    assert loaded.returncode == 0, loaded.stderr
    names = [line.split(":")[0] for line in loaded.stdout.splitlines()]
    assert names == [
        "loading",
        "looking for changes",
        "the nearest 1",
        "the nearest 100",
        "comparing with one person",
    ]


def test_a_database_that_has_faces_is_left_alone(database_url: str) -> None:
    assert run("bench.fill", database_url, "3").returncode == 0
    again = run("bench.fill", database_url, "3")
    assert again.returncode == 1
    assert "has faces already" in again.stderr
