"""Every command of the docs on model packs works as it is written."""

import re
import subprocess
from pathlib import Path

import pytest

from rollcall.modelstore.catalog import OFFICIAL_PACKS
from rollcall.modelstore.model_folder import packs_in
from tests.e2e.two_models import FIRST, enrol, recognized
from tests.packs import write_pack
from tests.servers import ROOT, RollcallServer, clean_environment, wait_for

DOCS = ROOT / "docs" / "models.md"


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", DOCS.read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def run(command: str, folder: Path, database_url: str) -> str:
    settings = {"MODEL_DIR": "models", "INSIGHTFACE_MODEL": FIRST, "DATABASE_URL": database_url}
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=clean_environment(settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


@pytest.mark.slow
def test_the_commands_work_as_they_are_written(tmp_path: Path) -> None:
    write_pack(tmp_path / "my_pack", seed=21)
    write_pack(tmp_path / "models" / FIRST)
    (tmp_path / "bin").symlink_to(ROOT / "bin")
    # Nobody has the official files to serve.
    feasible = [command for command in commands() if not command.endswith("download buffalo_l")]
    assert len(feasible) == len(commands()) - 1
    settings = {"MODEL_DIR": str(tmp_path / "models"), "INSIGHTFACE_MODEL": FIRST}
    with RollcallServer(tmp_path, **settings) as server:
        wait_for(lambda: server.health()["status"] == "healthy", "good health")
        enrol(server, 1)
        for command in feasible:
            said = run(command, tmp_path, f"sqlite:///{tmp_path}/rollcall.db")
            if " verify" in command:
                assert re.findall(r"^my_pack  unknown  [0-9a-f]{64}  \w+\.onnx$", said, re.MULTILINE)
            if " switch" in command:
                assert recognized(server, 1)["model"] == "my_pack"
            if " rollback" in command:
                assert recognized(server, 1)["model"] == FIRST
    assert packs_in(tmp_path / "models") == [FIRST]


def test_every_official_pack_is_in_the_table() -> None:
    table = DOCS.read_text()
    for pack in OFFICIAL_PACKS.values():
        row = f"| `{pack.name}` | {pack.detector.name} | {pack.recogniser.name} | {pack.licence} |"
        assert row in table
