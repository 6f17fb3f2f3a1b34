"""Every command of docs/bulk-import.md works as it is written."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import Reader, commands
from tests.imports import rows
from tests.packs import picture
from tests.servers import ROOT, RollcallServer

pytestmark = pytest.mark.slow

DOCS = (ROOT / "docs" / "bulk-import.md").read_text()
LIST = re.search(r"```\n(code;name;photo\n.*?)```", DOCS, re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files that the page speaks of."""
    assert LIST is not None
    for name, person in {"ada.jpg": 1, "grace.jpg": 2, "grace-2.jpg": 3, "S003.jpg": 4}.items():
        (tmp_path / "photos").mkdir(exist_ok=True)
        (tmp_path / "photos" / name).write_bytes(picture(person))
    (tmp_path / "teachers").mkdir()
    (tmp_path / "teachers" / "T001.png").write_bytes(picture(5, format="PNG"))
    (tmp_path / "people.csv").write_text(LIST[1])
    shutil.make_archive(str(tmp_path / "photos"), "zip", tmp_path, "photos")
    return tmp_path


@pytest.fixture
def own_server(
    tmp_path_factory: pytest.TempPathFactory, pack_settings: dict[str, str]
) -> Iterator[RollcallServer]:
    home = tmp_path_factory.mktemp("import-docs")
    with RollcallServer(home, **pack_settings, IMPORT_DIR=str(home / "imports")) as server:
        yield server


def test_the_commands_work_as_they_are_written(own_server: RollcallServer, folder: Path) -> None:
    told = commands("docs/bulk-import.md")
    assert len(told) == 8
    reader = Reader(folder, own_server)
    for command in told:
        output = reader.run(command)
        if command.startswith("curl") and ">" not in command:
            assert '"success":true' in output, (command, output)
    assert [row["outcome"] for row in rows((folder / "people-report.csv").read_bytes())] == ["enrolled"] * 4
    assert [row["code"] for row in rows((folder / "teachers-report.csv").read_bytes())] == ["T001"]
    assert '"state":"waiting"' in (folder / "job.json").read_text()
