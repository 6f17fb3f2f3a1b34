"""Commands of the pages that have no test of their own; tests/unit/test_docs.py knows who runs which."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from db.engine import open_database
from db.migrate import migrate
from rollcall.core.faces import FALLBACK_MODEL
from tests.api.calls import enroll
from tests.db.rows import embedding, student
from tests.docs import Reader, blocks, commands, pages, read_page
from tests.e2e.test_compare import enrol as enrol_embeddings
from tests.packs import empty_picture, picture, write_pack
from tests.servers import ROOT, RollcallServer, clean_environment, wait_for

pytestmark = pytest.mark.slow

# What carries a target out, and how that is seen there.
MAKE_RUN_BY = {
    "help": ("tests/e2e/test_readme.py", '"make", "help"'),
    "serve": ("tests/e2e/test_readme.py", '"serve", "dev"'),
    "dev": ("tests/e2e/test_readme.py", '"serve", "dev"'),
    "bento": ("tests/e2e/test_container.py", '"make", "--silent", "bento"'),
    "load": ("tests/e2e/test_load.py", '"make", "load"'),
    "bench": ("tests/e2e/test_bench.py", '"-m", "bench", "--quick"'),
    "lint": (".ci/run", "make lint"),
    "test": (".ci/run", "make test"),
}
ADA, BEN, CLEO = 1, 2, 3
NEEDS_MAKE = pytest.mark.skipif(
    not (ROOT / ".venv").is_dir(), reason="the tests do not run in make's environment"
)


@contextmanager
def school(folder: Path) -> Iterator[tuple[RollcallServer, Reader]]:
    """A server with nobody enrolled, and a reader who has photos and two model packs."""
    write_pack(folder / "models" / "first")
    write_pack(folder / "models" / "my_pack", seed=21)
    photos = {"ada": ADA, "ada-2": ADA, "ben": BEN, "cleo": CLEO}
    for name, person in photos.items():
        (folder / f"{name}.jpg").write_bytes(picture(person))
    (folder / "class.jpg").write_bytes(picture(ADA, BEN))
    (folder / "empty-room.jpg").write_bytes(empty_picture())
    settings = {"MODEL_DIR": str(folder / "models"), "INSIGHTFACE_MODEL": "first"}
    with RollcallServer(folder, **settings) as server:
        wait_for(lambda: server.health().get("status") == "healthy", "good health")
        yield server, Reader(folder, server)


def take_test_photos(folder: Path) -> None:
    """Two photos of each of two people, as `rollcall evaluate` wants them."""
    for code, person in {"S001": ADA, "S002": BEN}.items():
        (folder / "test-photos" / code).mkdir(parents=True)
        for i in range(2):
            (folder / "test-photos" / code / f"{i}.jpg").write_bytes(picture(person))


def test_the_quick_start(tmp_path: Path) -> None:
    with school(tmp_path) as (server, reader):
        make, *others = commands("docs/quick-start.md")
        assert make == "make serve"
        said = "".join(reader.run(command) for command in others)
        assert said.count('"person_code":"S001"') >= 3
        assert '"already_marked":false' in said
        assert server.client.get("/api/face/list/all").json()["faces"] == []


def test_the_examples_of_the_api(tmp_path: Path) -> None:
    with school(tmp_path) as (server, reader):
        for block in blocks("docs/api.md", "By example"):
            for part in [block.text] if "RECOGNITION=" in block.text else block.commands:
                if part.startswith("openapi-python-client"):
                    continue  # tests/e2e/test_generated_client.py
                if "empty-room.jpg" in part or "-X DELETE localhost:8000/api/models" in part:
                    assert '"success":false' in reader.run(f"! {part}")
                    continue
                said = reader.run(part)
                into_file = " > " in part
                assert into_file or '"success":true' in said or '"status":"healthy"' in said, part
                if "/api/models/switch" in part:
                    wait_for(lambda: server.health()["model"] == "my_pack", "the switch")
        left = server.client.get("/api/face/list/all").json()["faces"]
        assert [(face["id"], face["person_code"]) for face in left] == [(1, "S001"), (4, "S002")]
        assert (tmp_path / "small.jpg").read_bytes()[:2] == b"\xff\xd8"
        assert (tmp_path / "session-1.csv").stat().st_size > 0


def test_every_endpoint_has_an_example(server: RollcallServer) -> None:
    examples = commands("docs/api.md", "By example") + commands("docs/bulk-import.md")
    told = [_call(line) for line in examples if "curl" in line and "=$(" not in line]
    for path, methods in server.client.get("/openapi.json").json()["paths"].items():
        template = re.compile(re.sub(r"\\{\w+\\}", r"[^/]+", re.escape(path)))
        for method in methods:
            assert any(method.upper() == used and template.fullmatch(called) for used, called in told), (
                f"{method.upper()} {path} has no example in docs/api.md"
            )


def _call(command: str) -> tuple[str, str]:
    """The method and the path of a command with curl."""
    plain = re.sub(r"\$\([^)]*\)", "1", command)
    words = shlex.split(plain.rpartition("curl")[2].partition("|")[0])
    [url] = [word for word in words if word.startswith("localhost:8000")]
    sends = "POST" if {"-F", "-d"} & set(words) else "GET"
    method = words[words.index("-X") + 1] if "-X" in words else sends
    return method, url.removeprefix("localhost:8000").partition("?")[0]


def test_the_error_of_the_api_is_what_it_says(server: RollcallServer) -> None:
    [told] = blocks("docs/api.md", "By example", kind="json")
    answer = server.client.post("/api/face/recognize", files={"image": empty_picture()})
    assert answer.json() == httpx.Response(200, text=told.text).json()


def test_choosing_a_threshold(tmp_path: Path, pack_settings: dict[str, str]) -> None:
    take_test_photos(tmp_path)
    reader = Reader(tmp_path, settings=pack_settings)
    reader.run("bin/rollcall migrate")
    said = [reader.run(command) for command in commands("docs/accuracy.md")]
    assert all("Suggested threshold: " in each for each in said[:3])
    assert (tmp_path / "curves.png").stat().st_size > 0
    assert "0.45" in reader.run("bin/rollcall settings list")


def test_incidents(tmp_path: Path) -> None:
    with school(tmp_path) as (server, reader):
        (tmp_path / "data").symlink_to(tmp_path)
        enroll(server.client, "S001", ADA)
        enroll(server.client, "S001", BEN, mode="add")
        reader.run("bin/rollcall backup create school.rollcall")
        for block in blocks("docs/incidents.md"):
            for command in block.commands:
                if "models rollback" in command:
                    reader.run("bin/rollcall models switch my_pack")
                said = reader.run(command)
                if "/metrics" in command:
                    assert len(re.findall(r"^rollcall_\w+", said, re.MULTILINE)) >= 4, command
                if "-X DELETE" in command:
                    left = server.client.get("/api/face/list/all").json()["faces"]
                    assert [face["id"] for face in left] == [1]
        assert "S001" in (tmp_path / "audit.csv").read_text()
        assert "0.65" in reader.run("bin/rollcall settings list")


def test_comparing_two_models(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
    migrate(database)
    for n, code in enumerate(("S001", "S001", "S002")):
        both = {FALLBACK_MODEL: embedding(n, 128), "buffalo_l": embedding(n)}
        enrol_embeddings(database, (student(code), both))
    database.close()
    [command] = commands("docs/comparing-models.md", "Compare")
    assert "Gallery: 3 faces of 2 people" in Reader(tmp_path).run(command)
    assert (tmp_path / "compared.png").stat().st_size > 0


@NEEDS_MAKE
def test_contributing() -> None:
    for command in commands("docs/contributing.md"):
        if command.startswith("make "):
            continue  # see the next tests
        assert command.startswith(".venv/bin/pytest "), command
        done = subprocess.run(
            shlex.split(command),
            cwd=ROOT,
            env=clean_environment({}),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        assert " passed" in done.stdout


def targets() -> set[str]:
    """The targets of make that the pages have a command for."""
    lines = [line for page in pages() for block in read_page(page).blocks for line in block.commands]
    return {word for line in lines if (word := (re.findall(r"^make ([a-z-]+)", line) or [""])[0])}


# `make image` needs Docker: tests/e2e/test_container.py carries out the file that it makes.
@pytest.mark.parametrize("target", sorted(targets() - {"image"}))
def test_a_target_of_make_is_carried_out_by_a_test(target: str) -> None:
    file, seen = MAKE_RUN_BY[target]
    assert seen in (ROOT / file).read_text()


@NEEDS_MAKE
def test_the_commands_of_the_bench_are_known() -> None:
    lines = commands("bench/README.md")
    lines += [line for line in commands("docs/contributing.md") if line.startswith("make ")]
    assert len(lines) >= 8
    for line in lines:
        words = shlex.split(line, comments=True)
        if words[0] == "make":
            words.insert(1, "--dry-run")
        else:
            # With --list Locust reads all options, and then lists the kinds of callers.
            words = [*words[words.index("locust") :], "--list"]
            words[:1] = [sys.executable, "-m", "locust"]
        done = subprocess.run(
            words,
            cwd=ROOT,
            env=clean_environment({}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
