"""The image, without Docker: its Dockerfile is carried out in a new Debian tree, where the server runs."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers import Container
from tests.e2e.conftest import PACK_NAME
from tests.images import Image, debian_tree, why_not
from tests.packs import picture, write_pack
from tests.servers import ROOT, clean_environment, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
]

DOCKER_PATIENCE_SECONDS = 30.0
TOOLS = ("gcc", "cc", "g++", "c++", "cpp", "ld", "as", "make", "cmake", "git", "uv")
URL = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def bento(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Bento, as `make bento` makes it."""
    home = tmp_path_factory.mktemp("bentos")
    done = subprocess.run(
        ["make", "--silent", "bento", f"BENTO_HOME={home}"],
        cwd=ROOT,
        env=clean_environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"rollcall:[a-z0-9]+\n", done.stdout), done.stdout
    name, version = done.stdout.strip().split(":")
    return home / "bentos" / name / version


@pytest.fixture(scope="module")
def image(bento: Path, tmp_path_factory: pytest.TempPathFactory) -> Image:
    tree = tmp_path_factory.mktemp("debian")
    debian_tree(tree)
    tree.chmod(0o755)
    return Image(tree, bento)


@pytest.fixture(scope="module")
def container(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A container with the synthetic pack in its volume, whose server answers."""
    settings = {"INSIGHTFACE_MODEL": PACK_NAME, "AUTO_DOWNLOAD_MODELS": "false"}
    container = Container(image, tmp_path_factory.mktemp("container"), **settings)
    write_pack(container.volumes / "models" / PACK_NAME)
    subprocess.run(["chown", "-R", image.said("USER"), str(container.volumes / "models")], check=True)
    with container:
        wait_for(lambda: health(container).get("status") == "healthy", "good health")
        yield container


def health(container: Container) -> dict[str, object]:
    answer = container.curl(f"{URL}/api/health")
    return json.loads(answer) if answer else {"log": container.log()}


def test_the_image_holds_the_server_and_nothing_else(bento: Path, image: Image) -> None:
    assert {path.name for path in (bento / "src").iterdir()} == {
        *("service.py", "rollcall", "runners", "db", "bin", "deploy"),
        *("requirements.txt", "requirements-build.txt", "bentofile.yaml"),
    }
    assert [path.name for path in (bento / "src" / "deploy").iterdir()] == ["healthcheck.py"]
    files = image.files()
    ours = [path for path in files if path.startswith("/app/")]
    assert not [path for path in ours if re.search(r"\.(jpe?g|png|webp|onnx|md)$", path)]
    assert not [
        path for path in files if re.search(r"^/(app|opt|root|home|tmp)/(.*/)?(tests|\.git|\.cache)/", path)
    ]
    assert not [path for path in files if path.startswith(("/root/.cache", "/tmp", "/models", "/data"))]


def test_no_compiler_is_in_the_image(image: Image) -> None:
    folders = [*image.environment["PATH"].split(":"), "/usr/lib/ccache"]
    assert not [
        f"{folder}/{tool}"
        for folder in folders
        for tool in TOOLS
        if image.inside(f"{folder}/{tool}").exists()
    ]


def test_what_is_installed_is_what_was_locked(image: Image) -> None:
    locked = re.findall(r"^([a-z0-9-]+)==([^ ]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    packages = image.inside("/opt/rollcall/lib/python3.11/site-packages").glob("*.dist-info")
    installed = [path.name.removesuffix(".dist-info").rsplit("-", 1) for path in packages]
    names = {(name.lower().replace("_", "-").replace(".", "-"), version) for name, version in installed}
    assert names == set(locked)


def test_what_the_image_says_of_itself(image: Image) -> None:
    assert image.said("FROM") == "python:3.11-slim-bookworm"
    assert image.words("EXPOSE") == ["8000"]
    assert image.words("VOLUME") == ["/models", "/data"]
    assert image.said("STOPSIGNAL") == "SIGTERM"
    assert image.said("USER") == "10001:10001"


def test_the_docs_know_its_size(image: Image) -> None:
    stated = re.search(r"(\d+) MB beside the base image", (ROOT / "docs" / "deployment.md").read_text())
    assert stated is not None
    assert image.megabytes("/opt/rollcall", "/app") == pytest.approx(int(stated[1]), rel=0.1)


def test_it_enrols_and_recognises(container: Container, tmp_path: Path) -> None:
    photo = tmp_path / "ada.jpg"
    photo.write_bytes(picture(1))
    fields = ("person_type=student", "person_code=S001", "person_name=Ada Lovelace", f"image=@{photo}")
    form = [word for field in fields for word in ("--form", field)]
    enrolled = json.loads(container.curl(*form, f"{URL}/api/face/enroll"))
    assert enrolled["success"], enrolled
    answer = json.loads(container.curl("--form", f"image=@{photo}", f"{URL}/api/face/recognize"))
    assert answer["match"]["person_code"] == "S001"
    assert (container.volumes / "data" / "rollcall.db").stat().st_uid == 10001


def test_its_processes_have_no_rights(container: Container) -> None:
    processes = [container.first, *container.first.children(recursive=True)]
    assert len(processes) >= 3
    for process in processes:
        assert set(process.uids()) == {10001}
        assert set(process.gids()) == {10001}
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert "CapEff:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status


def test_its_root_is_read_only_even_for_root(container: Container) -> None:
    for folder in ("/", "/app", "/opt/rollcall", "/etc", "/var/tmp"):
        done = container.run("touch", f"{folder}/new", root=True)
        assert "Read-only file system" in done.stderr
    for folder in ("/models", "/data", "/tmp"):
        assert container.run("touch", f"{folder}/new").returncode == 0


def test_its_health_check_follows_the_health(container: Container, image: Image) -> None:
    assert container.run(*image.health_check).returncode == 0
    nobody = container.run("env", "PORT=8001", *image.health_check)
    assert nobody.returncode == 1
    assert "refused" in nobody.stderr


def test_it_has_the_console(container: Container) -> None:
    """All files that are not Python's came along."""
    served = container.curl("--location", f"{URL}/")
    assert served == (ROOT / "rollcall" / "console" / "index.html").read_text()


def test_its_command_line_works_on_the_same_volumes(container: Container) -> None:
    done = container.run("rollcall", "models", "list")
    assert done.returncode == 0, done.stderr
    assert PACK_NAME in done.stdout


def test_the_fallback_engine_is_complete(container: Container) -> None:
    done = container.run("python", "-c", "from runners.legacy import LegacyEngine; LegacyEngine().warm_up()")
    assert done.returncode == 0, done.stderr


def test_sigterm_ends_it_with_status_0(image: Image, tmp_path: Path) -> None:
    with Container(image, tmp_path, AUTO_DOWNLOAD_MODELS="false") as container:
        # Without a pack the fallback answers, which is degraded, which is well enough for the health check.
        wait_for(lambda: health(container).get("status") == "degraded", "an answer")
        assert container.run(*image.health_check).returncode == 0
        began = time.monotonic()
        os.kill(container.first.pid, getattr(signal, image.said("STOPSIGNAL")))
        assert container.exit_status(DOCKER_PATIENCE_SECONDS) == 0
        assert time.monotonic() - began < DOCKER_PATIENCE_SECONDS
        assert "Traceback" not in container.log()
