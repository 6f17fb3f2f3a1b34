"""The Node.js packages of clients/, for tests: copied, installed, run."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.servers import ROOT, clean_environment

PACKAGE: Final = ROOT / "clients" / "node"
needs_node = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")),
    reason="Node.js is not installed (apt-get install nodejs npm)",
)
_LIMIT_SECONDS: Final = 300


def copy_package(folder: Path) -> Path:
    """The client as it is in the repository, in a folder that npm may write to."""
    ignored = shutil.ignore_patterns("node_modules")
    return Path(shutil.copytree(PACKAGE, folder / "rollcall" / "clients" / "node", ignore=ignored))


def run(
    *command: str | Path, folder: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever that is."""
    return subprocess.run(
        command,
        cwd=folder,
        env=clean_environment({"npm_config_update_notifier": "false", **(env or {})}),
        capture_output=True,
        text=True,
        timeout=_LIMIT_SECONDS,
        check=False,
    )


def done(*command: str | Path, folder: Path, env: Mapping[str, str] | None = None) -> str:
    """Run a command that must succeed, and give what it printed."""
    ended = run(*command, folder=folder, env=env)
    assert ended.returncode == 0, (command, ended.stdout[-6000:], ended.stderr[-3000:])
    return ended.stdout


def code_blocks(text: str, language: str) -> list[str]:
    """The blocks of a Markdown text in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def summary_of(tap: str) -> dict[str, int]:
    """The closing numbers of Node's test runner, such as `pass` and `skipped`."""
    return {name: int(number) for name, number in re.findall(r"^# (\w+) (\d+)$", tap, re.MULTILINE)}
