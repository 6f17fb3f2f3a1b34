"""The OpenAPI document is complete enough to make a Python client of it that works."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.docs import commands
from tests.packs import picture
from tests.servers import ROOT, RollcallServer, clean_environment

pytestmark = pytest.mark.slow

PACKAGE = "rollcall_client"
CODE = "GEN1"


def generated(folder: Path, server: RollcallServer) -> str:
    """Run the command of the docs in the folder; returns what the generator said."""
    [command] = [
        one for one in commands("docs/api.md", "By example") if one.startswith("openapi-python-client")
    ]
    (folder / "clients").symlink_to(ROOT / "clients")
    # It puts its result into form with ruff, which lies beside it.
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command.replace("http://localhost:8000", server.url)],
        cwd=folder,
        env={**clean_environment({}), "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def said_and_folder(server: RollcallServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("client")
    return generated(folder, server), folder


@pytest.fixture
def module(said_and_folder: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Imports a module of the generated package by its name there."""
    monkeypatch.syspath_prepend(said_and_folder[1] / "rollcall-client")
    yield lambda name: importlib.import_module(f"{PACKAGE}.{name}")
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]


def test_the_generator_leaves_nothing_out(said_and_folder: tuple[str, Path]) -> None:
    said, _ = said_and_folder
    assert "warning" not in said.lower(), said


def test_every_module_of_it_can_be_imported(said_and_folder: tuple[str, Path], module: Any) -> None:
    package = said_and_folder[1] / "rollcall-client" / PACKAGE
    files = [path.relative_to(package).with_suffix("") for path in package.rglob("*.py")]
    names = [".".join(file.parts) for file in files if file.name != "__init__"]
    assert len(names) > 40
    for name in names:
        module(name)


def test_the_generated_client_makes_real_calls(server: RollcallServer, module: Any) -> None:
    models, types = module("models"), module("types")

    def photo() -> Any:
        return types.File(payload=BytesIO(picture(40)), file_name="ada.jpg", mime_type="image/jpeg")

    with module("client").Client(base_url=server.url) as client:
        health = module("api.service.health").sync(client=client)
        assert health.status == models.HealthStatus.HEALTHY
        assert health.model_loaded is True

        student = {"person_type": models.PersonType.STUDENT, "person_code": CODE}
        form = models.EnrollInForm(**student, person_name="Ada", image=photo())
        enrolled = module("api.faces.enroll").sync(client=client, body=form)
        assert (enrolled.person_code, enrolled.warnings) == (CODE, [])

        probe = models.RecognizeInForm(image=photo(), top_k=1)
        recognised = module("api.faces.recognize").sync(client=client, body=probe)
        assert recognised.match.person_code == CODE
        assert recognised.match.similarity_score > 0.9

        listed = module("api.faces.list_faces").sync("student", client=client, person_code=CODE)
        assert [(face.id, face.person_name) for face in listed.faces] == [(enrolled.embedding_id, "Ada")]

        person = models.DeleteIn(**student)
        assert module("api.faces.delete_person").sync(client=client, body=person).success is True

        again = module("api.faces.delete_person").sync_detailed(client=client, body=person)
        assert (again.status_code, again.parsed.error_code) == (404, "PERSON_NOT_FOUND")
        assert again.parsed.details["suggestion"]
