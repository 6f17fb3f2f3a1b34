"""`make test` runs all tests, in groups side by side."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import ROOT

# In place of pytest: notes what it was asked for, where files go, and whether it hears of Ctrl-C. It fails
# if it is to.
PYTEST = f"""#!{sys.executable}
import os, signal, sys
asked = " ".join(sys.argv[1:])
deaf = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
with open(os.environ["NOTES"], "a") as notes:
    notes.write(f"{{asked}} in {{os.environ['TMPDIR']}}{{' deaf' if deaf else ''}}\\n")
sys.exit(asked == os.environ["FAILING"])
"""
GROUPS = ["tests --ignore tests/e2e", "tests/e2e --share 1/2", "tests/e2e --share 2/2"]


def collected(*arguments: str) -> list[str]:
    """The files whose tests pytest would run."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return sorted({line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line})


@pytest.mark.parametrize("failing", ["nothing", *GROUPS])
def test_every_group_runs_and_fails_the_whole_if_it_fails(tmp_path: Path, failing: str) -> None:
    (tmp_path / "pytest").write_text(PYTEST)
    (tmp_path / "pytest").chmod(0o755)
    notes = tmp_path / "notes"
    around = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        # As if all was set up, and as from a terminal.
        ["env", "--default-signal=INT", "make", "test", f"BIN={tmp_path}", "--old-file=.venv/dev"],
        cwd=ROOT,
        env={**around, "NOTES": str(notes), "FAILING": failing, "TMPDIR": "/somewhere"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    ran = [f"{group} in /somewhere" for group in GROUPS]
    assert sorted(notes.read_text().splitlines()) == ran, done.stderr
    assert (done.returncode == 0) is (failing == "nothing")


def test_the_shares_have_every_test_once() -> None:
    first, second = collected("tests/e2e", "--share", "1/2"), collected("tests/e2e", "--share", "2/2")
    assert not set(first) & set(second)
    assert sorted(first + second) == sorted(
        str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "e2e").rglob("test_*.py")
    )
