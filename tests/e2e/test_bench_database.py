"""The benches of the database and of the gallery, on few faces: they run, and say what they found."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.mariadb import is_installed

ROOT = Path(__file__).resolve().parents[2]


def run(module: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


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


@pytest.mark.slow
@pytest.mark.skipif(not is_installed(), reason="MariaDB is not installed")
def test_what_the_database_costs_is_measured_on_both_kinds(tmp_path: Path) -> None:
    results = tmp_path / "DATABASE.md"
    done = run("bench.database", "--quick", "--out", str(results))
    assert done.returncode == 0, done.stderr
    text = results.read_text()
    assert "fsync of 4 kB" in text
    for kind in ("SQLite", "MariaDB"):
        for row in ("a transaction each", "group commit", "1,000", "2,000"):
            assert f"| {kind} | {row} |" in text
