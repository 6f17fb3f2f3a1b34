"""The CPU time that the supervisor takes to carry a log line of its workers, in `telemetry.plain_lines`."""

import os
import subprocess
import sys
import time
from pathlib import Path

from rollcall.telemetry.logs import line_about
from rollcall.telemetry.plain_lines import PlainLines

# Each line alone, as requests end: several at once would share their wake-up.
_WORKER = """
import os, sys, time
lines = open(sys.argv[1], "rb").read().splitlines(keepends=True)
sys.stdin.read(1)
for number in range(int(sys.argv[2])):
    os.write(2, lines[number % len(lines)])
    time.sleep(0.001)
"""


def measure(written: Path, out: Path, lines: int) -> float:
    """CPU microseconds a line, of this whole process. For a fresh one: it takes its standard error away.

    `written`: lines of JSON, carried again and again; `out`: where they end up.
    """
    with out.open("wb") as end:
        os.dup2(end.fileno(), sys.stderr.fileno())
    carrying = PlainLines(line_about)
    command = [sys.executable, "-c", _WORKER, str(written), str(lines)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as worker:
        assert worker.stdin is not None
        begun = time.process_time()
        worker.stdin.write(b"!")
        worker.stdin.close()
        worker.wait()
        spent = time.process_time() - begun
    carrying.end()
    carried = out.read_bytes().count(b"\n")
    if worker.returncode or carried != lines:
        raise RuntimeError(f"{carried} of {lines} lines were carried")
    return 1e6 * spent / lines
