"""What goes past all loggers. File descriptors are a process's, so each test has one of its own."""

import json
import subprocess
import sys
from typing import Any

from tests.servers import ROOT

SUPERVISOR = """
import os, subprocess, sys
from rollcall.telemetry.logs import configure_server_logs, line_about
from rollcall.telemetry.plain_lines import PlainLines
configure_server_logs("INFO", "json", "supervisor")
plain_lines = PlainLines(line_about)
"""


def lines(script: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", SUPERVISOR + script + "\nplain_lines.end()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_what_is_written_past_the_loggers_becomes_lines() -> None:
    script = 'os.write(1, b"plain\\n\\n"); os.write(2, b"Corrupt JPEG data\\xff\\n")'
    found = lines(script)
    assert [line["message"] for line in found] == ["plain", "Corrupt JPEG data\N{REPLACEMENT CHARACTER}"]
    assert {(line["level"], line["logger"], line["process"]) for line in found} == {
        ("WARNING", "stderr", None)
    }


def test_lines_of_the_loggers_pass_as_they_are() -> None:
    [line] = lines('import logging; logging.getLogger("rollcall.x").info("Hello")')
    assert (line["logger"], line["process"], line["message"]) == ("rollcall.x", "supervisor", "Hello")


def test_what_a_worker_writes_before_it_dies_is_not_lost() -> None:
    worker = "import os; os.write(2, b'terminate called'); os.abort()"
    found = lines(f"subprocess.run([sys.executable, '-c', {worker!r}])")
    assert [line["message"] for line in found] == ["terminate called"]


def test_afterwards_the_descriptors_are_those_of_before() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SUPERVISOR + 'plain_lines.end(); os.write(1, b"out"); os.write(2, b"err")'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("out", "err")


def test_a_worker_that_lives_on_does_not_hold_up_the_end() -> None:
    worker = "import time; time.sleep(600)"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{SUPERVISOR}left = subprocess.Popen([sys.executable, '-c', {worker!r}])\n"
            "plain_lines.end()\nleft.kill()",
        ],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
