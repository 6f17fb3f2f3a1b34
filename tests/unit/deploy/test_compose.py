"""deploy/compose.yaml: docker-compose reads it, what it mounts is there, and its containers are confined."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from rollcall.core.settings import Settings
from tests.unit.deploy.rules import DEPLOY

COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ROLLCALL = SERVICES["rollcall"]
FROM_SECRETS = {"database_url", "api_keys"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """deploy/ as it is after make-secrets."""
    shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets"))
    subprocess.run([tmp_path / "deploy" / "make-secrets"], check=True, capture_output=True)
    return tmp_path / "deploy"


def docker_compose(folder: Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("docker-compose") is None:
        pytest.skip("Compose is not installed (apt-get install docker-compose)")
    return subprocess.run(
        ["docker-compose", "-f", "compose.yaml", "config"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_compose_reads_it(copy: Path) -> None:
    read = docker_compose(copy)
    assert read.returncode == 0, read.stderr
    rollcall = yaml.safe_load(read.stdout)["services"]["rollcall"]
    assert rollcall["image"] == "rollcall:latest"
    assert rollcall["environment"]["INSIGHTFACE_MODEL"] == "buffalo_l"
    assert rollcall["cap_drop"] == ["ALL"]


def test_compose_refuses_a_wrong_key(copy: Path) -> None:
    text = (copy / "compose.yaml").read_text()
    (copy / "compose.yaml").write_text(text.replace("read_only:", "readonly:", 1))
    assert "readonly" in docker_compose(copy).stderr


def test_every_mounted_file_and_every_secret_is_there(copy: Path) -> None:
    mounted = [volume for service in SERVICES.values() for volume in service.get("volumes", ())]
    of_the_host = [volume.split(":")[0] for volume in mounted if volume.startswith((".", "/"))]
    secrets = [secret["file"] for secret in COMPOSE["secrets"].values()]
    env_files = [file for service in SERVICES.values() for file in service.get("env_file", ())]
    assert of_the_host
    for path in (*of_the_host, *secrets, *env_files):
        assert (copy / path).exists(), path


def test_volumes_networks_and_secrets_are_declared_and_used() -> None:
    for kind in ("volumes", "networks", "secrets"):
        used = {name.split(":")[0] for service in SERVICES.values() for name in service.get(kind, ())}
        assert {name for name in used if not name.startswith(".")} == COMPOSE[kind].keys()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_pinned_limited_and_watched(name: str) -> None:
    service = SERVICES[name]
    resources = service["deploy"]["resources"]
    assert resources["limits"].keys() == resources["reservations"].keys() == {"cpus", "memory"}
    assert service["healthcheck"]["interval"]
    assert service["restart"] == "unless-stopped"
    assert service["logging"]["options"]["max-size"]
    assert "no-new-privileges:true" in service["security_opt"]
    if name != "rollcall":  # which is made here
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", service["image"])


def test_only_rollcall_and_grafana_publish_a_port_and_grafana_to_this_host_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {
        "rollcall": ["${ROLLCALL_PORT:-8000}:8000"],
        "grafana": ["127.0.0.1:${GRAFANA_PORT:-3000}:3000"],
    }


def test_only_rollcall_reaches_the_database() -> None:
    assert COMPOSE["networks"]["database"]["internal"] is True
    assert [name for name, service in SERVICES.items() if "database" in service["networks"]] == [
        "rollcall",
        "mysql",
    ]
    assert SERVICES["mysql"]["networks"] == ["database"]


def test_prometheus_can_reach_an_alertmanager_outside() -> None:
    networks = SERVICES["prometheus"]["networks"]
    assert [name for name in networks if not (COMPOSE["networks"][name] or {}).get("internal")] == ["alerts"]
    # Nobody else is to be reached from there.
    assert [name for name, service in SERVICES.items() if "alerts" in service["networks"]] == ["prometheus"]


def test_rollcall_can_write_to_its_volumes_and_tmp_alone() -> None:
    assert ROLLCALL["read_only"] is True
    assert ROLLCALL["cap_drop"] == ["ALL"]
    assert ROLLCALL["volumes"] == ["models:/models", "data:/data"]
    assert [mount.split(":")[0] for mount in ROLLCALL["tmpfs"]] == ["/tmp"]
    assert "size=1g" in ROLLCALL["tmpfs"][0]
    assert int(ROLLCALL["user"].split(":")[0]) > 0


def test_rollcall_waits_for_the_database_and_has_time_to_end() -> None:
    assert ROLLCALL["depends_on"] == {"mysql": {"condition": "service_healthy"}}
    assert int(ROLLCALL["stop_grace_period"].removesuffix("s")) > 30


def test_passwords_come_from_files_alone() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name:
                assert name.endswith("_FILE")
                assert value.removeprefix("/run/secrets/") in service["secrets"]
    assert set(ROLLCALL["secrets"]) == FROM_SECRETS
    assert Settings.model_fields.keys() >= FROM_SECRETS


def settings_in_file() -> dict[str, str]:
    """rollcall.env, with the lines that are proposed there."""
    lines = (DEPLOY / "rollcall.env").read_text().splitlines()
    found = [re.fullmatch(r"(?:# )?([A-Z_]+)=(\S+)", line) for line in lines]
    return {match[1]: match[2] for match in found if match}


def settings_in_cluster() -> dict[str, str]:
    text = (DEPLOY / "kubernetes" / "configmap.yaml").read_text()
    data: dict[str, str] = yaml.safe_load(re.sub(r"^  # ([A-Z_]+: )", r"  \1", text, flags=re.MULTILINE))[
        "data"
    ]
    return data


@pytest.mark.parametrize("chosen", [settings_in_file(), settings_in_cluster()], ids=["compose", "kubernetes"])
def test_the_settings_are_right_and_none_is_a_secret(
    chosen: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {"INSIGHTFACE_MODEL", "TRUSTED_PROXIES"} <= chosen.keys()
    for name, value in chosen.items():
        field = Settings.model_fields[name.lower()]
        assert field.repr
        assert name.lower() not in FROM_SECRETS
        assert not isinstance(field.default, SecretStr)
        monkeypatch.setenv(name, value)
    assert Settings(_env_file=None).insightface_model == "buffalo_l"
