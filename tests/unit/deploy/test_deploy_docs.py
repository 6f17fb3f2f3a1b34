"""Commands of the docs on Compose and Kubernetes. Most need Docker or a cluster; what they name is there."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.servers import ROOT
from tests.unit.deploy.rules import DEPLOY

TEXT = (ROOT / "docs" / "deployment.md").read_text()
SECTION = re.split(r"^## ", TEXT.partition("## Compose and Kubernetes\n")[2], flags=re.MULTILINE)[0]
SERVICES = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]


def commands(kind: str) -> list[str]:
    blocks = re.findall(rf"```{kind}\n(.*?)```", SECTION, re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_the_commands_that_need_neither_docker_nor_a_cluster_work_as_they_are_written(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets"))
    assert commands("sh") == ["deploy/make-secrets"]
    without = [line for line in commands("sh compose") if "docker" not in line]
    assert [line.split()[0] for line in without] == ["mkdir", "printf", "deploy/make-secrets"]
    for command in [*without, *commands("sh")]:
        subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True, capture_output=True)
    address = (tmp_path / "deploy" / "secrets" / "database_url").read_text()
    assert address.endswith("@db.school.example/school?charset=utf8mb4")


@pytest.mark.parametrize("line", [line for line in commands("sh compose") if "docker" in line])
def test_a_command_of_compose_names_services_that_there_are(line: str) -> None:
    words = shlex.split(line)
    words = words[words.index("docker") :]
    assert words[:4] == ["docker", "compose", "--file", "deploy/compose.yaml"]
    subcommand, *rest = words[4:]
    assert subcommand in {"up", "ps", "exec"}
    named = [word for word in rest if not word.startswith("--")]
    assert set(named[:1] if subcommand == "exec" else named) <= SERVICES.keys()


def test_the_variables_of_the_file_have_a_value_and_are_in_the_docs() -> None:
    in_file = dict(re.findall(r"\$\{([A-Z_]+):-(\w+)\}", (DEPLOY / "compose.yaml").read_text()))
    assert in_file.keys() == {"ROLLCALL_TAG", "ROLLCALL_PORT", "GRAFANA_PORT"}
    assert all(name in SECTION for name in in_file)
    values = dict(re.findall(r"^([A-Z_]+)=(\w+)$", (DEPLOY / ".env").read_text(), re.MULTILINE))
    # A project of the folder's name, "deploy", could be another one's too.
    assert values == {**in_file, "COMPOSE_PROJECT_NAME": "rollcall"}


def test_the_commands_of_kubernetes_name_what_is_there() -> None:
    lines = commands("sh kubectl")
    assert "--kustomize deploy/kubernetes" in " ".join(lines)
    example = yaml.safe_load((DEPLOY / "kubernetes" / "secret.example.yaml").read_text())
    created = next(line for line in lines if "create secret" in line)
    files = [word.partition("=")[2] for word in shlex.split(created) if word.startswith("--from-file=")]
    assert {os.path.basename(file) for file in files} == example["stringData"].keys()
    assert f"generic {example['metadata']['name']} " in created


def test_every_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"`((?:deploy|monitoring)/[\w./-]+)`", SECTION))
    made = {"deploy/secrets", "deploy/secrets/grafana_admin_password"}
    assert made < named
    for name in named - made:
        at = ROOT / name if name.startswith("deploy/") else DEPLOY / "kubernetes" / name
        assert at.exists(), name
