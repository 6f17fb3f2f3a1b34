"""Every command of the README works as it is written."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.docs import Reader, commands
from tests.packs import picture
from tests.servers import ROOT, RollcallServer, clean_environment, free_port, wait_for

pytestmark = pytest.mark.slow

README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the README speaks of."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "ada.jpg").write_bytes(picture(1))
    (folder / "photos" / "S003").mkdir(parents=True)
    (folder / "photos" / "S002.jpg").write_bytes(picture(2))
    (folder / "photos" / "S003" / "a.png").write_bytes(picture(3, format="PNG"))
    (folder / "people.csv").write_text("code,name\nS002,Grace Hopper\nS003,Mary Jackson\n")
    return folder


@pytest.fixture(scope="module")
def own_server(
    tmp_path_factory: pytest.TempPathFactory, pack_settings: dict[str, str]
) -> Iterator[RollcallServer]:
    with RollcallServer(tmp_path_factory.mktemp("readme-server"), **pack_settings) as server:
        yield server


def test_the_commands_work_as_they_are_written(own_server: RollcallServer, folder: Path) -> None:
    reader = Reader(folder, own_server)
    found = [command for command in commands("README.md") if not command.startswith("make ")]
    assert len(found) >= 5
    for command in found:
        output = reader.run(command)
        if command.startswith("curl"):
            assert '"success":true' in output or '"status":"healthy"' in output, (command, output)
    listed = own_server.client.get("/api/face/list/student").json()
    assert {face["person_code"] for face in listed["faces"]} == {"S001", "S002", "S003"}


def test_every_setting_is_in_the_table() -> None:
    from rollcall.core.settings import Settings

    for name in Settings.model_fields:
        assert f"`{name.upper()}`" in README, name


def test_make_help_lists_every_target() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    done = subprocess.run(
        ["make", "help"], cwd=ROOT, env=clean_environment({}), capture_output=True, text=True, check=True
    )
    assert targets == {line.split()[0] for line in done.stdout.splitlines()}


@pytest.mark.skipif(not (ROOT / ".venv").is_dir(), reason="the tests do not run in make's environment")
@pytest.mark.parametrize("target", ["serve", "dev"])
def test_make_serves(tmp_path: Path, pack_settings: dict[str, str], target: str) -> None:
    port = free_port()
    settings = {**pack_settings, "HOST": "127.0.0.1", "PORT": str(port)}
    settings["DATABASE_URL"] = f"sqlite:///{tmp_path}/rollcall.db"
    with (tmp_path / "log").open("wb") as log:
        make = subprocess.Popen(
            ["make", target],
            cwd=ROOT,
            env=clean_environment(settings),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    family = [psutil.Process(make.pid)]

    def is_healthy() -> bool:
        assert make.poll() is None, (tmp_path / "log").read_text()
        try:
            return bool(httpx.get(f"http://127.0.0.1:{port}/api/health").json()["status"] == "healthy")
        except httpx.TransportError:
            return False

    try:
        wait_for(is_healthy, "good health")
    finally:
        family += family[0].children(recursive=True)
        os.killpg(make.pid, signal.SIGTERM)
        for process in psutil.wait_procs(family, timeout=60)[1]:
            process.kill()
        make.wait()
