"""The Node.js client, by its own tests against a real server, and by its README."""

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from rollcall.api.errors import STATUS
from rollcall.core.api_keys import Role
from tests.keys import make_key
from tests.node import PACKAGE, code_blocks, copy_package, done, needs_node, run, summary_of
from tests.packs import empty_picture, picture, write_pack
from tests.servers import RollcallServer

pytestmark = [pytest.mark.slow, needs_node]

README = (PACKAGE / "README.md").read_text(encoding="utf-8")
TESTS = sorted(path.name for path in (PACKAGE / "test").glob("*.test.js"))
ADMIN, KIOSK = make_key("office"), make_key("gate", Role.KIOSK)
LIMIT_PER_MINUTE = 5


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollcallServer]:
    """With keys, two models, and a rate limit for all who come by way of a proxy."""
    models = tmp_path_factory.mktemp("models")
    write_pack(models / "synthetic")
    write_pack(models / "other", seed=21)
    with RollcallServer(
        tmp_path_factory.mktemp("server"),
        MODEL_DIR=str(models),
        INSIGHTFACE_MODEL="synthetic",
        API_KEYS=f"{ADMIN.entry},{KIOSK.entry}",
        RATE_LIMIT_PER_MINUTE=str(LIMIT_PER_MINUTE),
        RATE_LIMIT_EXEMPT="127.0.0.1",
        TRUSTED_PROXIES="127.0.0.1",
        MAX_IMPORT_MB="10",
    ) as server:
        yield server


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with what its own tests need."""
    package = copy_package(tmp_path_factory.mktemp("node"))
    done("npm", "ci", folder=package)
    return package


@pytest.fixture(scope="module")
def environment(server: RollcallServer, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What the tests of clients/node/test/ are told."""
    folder = tmp_path_factory.mktemp("pictures")
    for person in (1, 2, 5, 9, 20):
        (folder / f"person-{person}.jpg").write_bytes(picture(person))
    (folder / "group.jpg").write_bytes(picture(1, 2, 9))
    (folder / "empty.jpg").write_bytes(empty_picture())
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "people.csv").write_text("code,name,photo\nN101,Ada Lovelace,N101.jpg\nN102,Grace,gone.jpg\n")
    with zipfile.ZipFile(folder / "photos.zip", "w") as photos:
        photos.writestr("N101.jpg", picture(31))
    return {
        "ROLLCALL_URL": server.url,
        "ROLLCALL_ADMIN_KEY": ADMIN.key,
        "ROLLCALL_KIOSK_KEY": KIOSK.key,
        "ROLLCALL_PICTURES": str(folder),
        "ROLLCALL_ERRORS": json.dumps({kind.code: status for kind, status in STATUS.items()}),
    }


@pytest.mark.parametrize("name", TESTS)
def test_the_clients_own_tests_pass(name: str, package: Path, environment: Mapping[str, str]) -> None:
    ended = run("node", "--test", "--test-reporter=tap", f"test/{name}", folder=package, env=environment)
    counted = summary_of(ended.stdout)
    failed = "\n".join(re.findall(r"^ *not ok .*?^ *\.\.\.$", ended.stdout, re.DOTALL | re.MULTILINE))
    assert ended.returncode == 0, (failed or ended.stdout)[-8000:] + ended.stderr[-2000:]
    assert counted["pass"] == counted["tests"] > 1
    assert counted["fail"] == counted["cancelled"] == counted["skipped"] == counted["todo"] == 0


def test_there_are_tests() -> None:
    assert len(TESTS) >= 7


def test_the_package_depends_on_nothing_and_names_no_registry() -> None:
    told = json.loads((PACKAGE / "package.json").read_text())
    assert "dependencies" not in told
    assert told["type"] == "module"
    for path in PACKAGE.rglob("package-lock.json"):
        if "node_modules" not in path.parts:
            lock = path.read_text()
            # What `resolved` and `funding` would say.
            assert "://" not in lock, f"{path}: delete what names a host; .npmrc keeps `resolved` out"
            assert json.loads(lock)["lockfileVersion"] == 3


def test_the_readmes_commands_and_programs_work(
    server: RollcallServer, package: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "rollcall").symlink_to(package.parents[1])
    for name, people in {"ada": (40,), "gate": (40,), "class": (40, 41)}.items():
        (project / f"{name}.jpg").write_bytes(picture(*people))
    (project / "people.csv").write_text("code,name,photo\nS003,Grace Hopper,S003.jpg\n")
    with zipfile.ZipFile(project / "photos.zip", "w") as photos:
        photos.writestr("S003.jpg", picture(42))
    commands = [line for block in code_blocks(README, "sh") for line in block.splitlines()]
    programs = code_blocks(README, "js")
    assert len(commands) >= 3
    assert len(programs) >= 4
    (project / "package.json").write_text("{}")
    for number, program in enumerate(programs):
        text = program.replace("http://localhost:8000", server.url).replace("antelopev2", "other")
        (project / f"{number}.mjs").write_text(text, encoding="utf-8")
    for command in commands:
        done("bash", "-c", command, folder=project)
        if "install" in command:
            for number in range(len(programs)):
                done("node", f"{number}.mjs", folder=project, env={"ROLLCALL_API_KEY": ADMIN.key})
    imported = {"person_type": "student", "person_code": "S003"}
    server.client.request("DELETE", "/api/face/delete", json=imported, headers=ADMIN.headers)


def test_the_readmes_typescript_compiles_strictly(package: Path) -> None:
    [program] = code_blocks(README, "ts")
    (package / "test" / "readme.ts").write_text(program)
    options = ("--strict", "--noEmit", "--module", "nodenext", "--target", "es2022")
    done("node", "node_modules/typescript/bin/tsc", *options, "test/readme.ts", folder=package)


def test_the_readme_names_every_method_and_error() -> None:
    methods = re.findall(
        r"^  (\w+): (?:get|ask|change)\(", (PACKAGE / "src/routes.js").read_text(), re.MULTILINE
    )
    assert len(methods) >= 20
    assert [method for method in methods if f"client.{method}(" not in README] == []
    rows = dict(re.findall(r"^\| `\w+Error` \| `([A-Z_]+)` \| (\d+) \|$", README, re.MULTILINE))
    assert rows == {kind.code: str(status) for kind, status in STATUS.items()}
