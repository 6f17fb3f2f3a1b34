"""Every command of the docs on model packs works as it is written."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from rollcall.modelstore.catalog import OFFICIAL_PACKS
from tests.packs import write_pack
from tests.servers import ROOT, clean_environment

DOCS = ROOT / "docs" / "models.md"


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", DOCS.read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.mark.slow
def test_the_commands_work_as_they_are_written(tmp_path: Path) -> None:
    write_pack(tmp_path / "my_pack")
    rollcall = tmp_path / "bin" / "rollcall"
    rollcall.parent.mkdir()
    rollcall.write_text(f'#!/bin/sh\nshift\nexec "{sys.executable}" -m tests.model_commands "$@"\n')
    rollcall.chmod(0o755)
    # Nobody has the official files to serve.
    by_hand = [command for command in commands() if not command.endswith("download buffalo_l")]
    assert len(by_hand) == len(commands()) - 1
    for command in by_hand:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env={**clean_environment({"MODEL_DIR": "models"}), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        if " verify" in command:
            assert re.findall(r"^my_pack  unknown  [0-9a-f]{64}  \w+\.onnx$", done.stdout, re.MULTILINE)
    assert list((tmp_path / "models").iterdir()) == []


def test_every_official_pack_is_in_the_table() -> None:
    table = DOCS.read_text()
    for pack in OFFICIAL_PACKS.values():
        row = f"| `{pack.name}` | {pack.detector.name} | {pack.recogniser.name} | {pack.licence} |"
        assert row in table
