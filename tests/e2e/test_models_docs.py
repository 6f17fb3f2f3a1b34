"""Every command of the docs on model packs works as it is written."""

import re
from pathlib import Path

import pytest

from rollcall.modelstore.catalog import OFFICIAL_PACKS
from rollcall.modelstore.model_folder import packs_in
from tests.docs import Reader, commands
from tests.e2e.two_models import FIRST, enrol, recognized
from tests.packs import write_pack
from tests.servers import ROOT, RollcallServer, wait_for

DOCS = ROOT / "docs" / "models.md"


@pytest.mark.slow
def test_the_commands_work_as_they_are_written(tmp_path: Path) -> None:
    write_pack(tmp_path / "my_pack", seed=21)
    write_pack(tmp_path / "models" / FIRST)
    # Nobody has the official files to serve.
    told = commands("docs/models.md")
    feasible = [command for command in told if not command.endswith("download buffalo_l")]
    assert len(feasible) == len(told) - 1
    settings = {"MODEL_DIR": str(tmp_path / "models"), "INSIGHTFACE_MODEL": FIRST}
    with RollcallServer(tmp_path, **settings) as server:
        wait_for(lambda: server.health()["status"] == "healthy", "good health")
        enrol(server, 1)
        reader = Reader(tmp_path, server, {"MODEL_DIR": "models"})
        for command in feasible:
            said = reader.run(command)
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
