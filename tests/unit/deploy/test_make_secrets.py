"""deploy/make-secrets: once, at random, and for its owner's eyes."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rollcall.core.settings import load_settings
from tests.unit.deploy.rules import DEPLOY

NAMES = {"mysql_password", "mysql_root_password", "grafana_admin_password", "database_url", "api_keys"}


def make(folder: Path) -> str:
    """What the script prints. `sh`, and not what the first line names, shows that it needs no bash."""
    command = ["sh", str(DEPLOY / "make-secrets"), str(folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_every_secret_is_made_and_its_own(tmp_path: Path) -> None:
    make(tmp_path / "one")
    make(tmp_path / "other")
    one, other = files(tmp_path / "one"), files(tmp_path / "other")
    assert one.keys() == NAMES
    assert len({*one.values(), *other.values()}) == 2 * len(NAMES)
    assert all(re.fullmatch("[0-9a-f]{64}", one[name]) for name in NAMES if name.endswith("password"))


def test_rollcall_reads_them(tmp_path: Path) -> None:
    make(tmp_path / "secrets")
    address = load_settings(tmp_path / "secrets").database_url.get_secret_value()
    password = (tmp_path / "secrets" / "mysql_password").read_text()
    assert address == f"mysql+pymysql://rollcall:{password}@mysql/rollcall?charset=utf8mb4"
    assert len(load_settings(tmp_path / "secrets").api_keys) == 2


def test_the_keys_are_shown_once_and_only_their_hashes_are_kept(tmp_path: Path) -> None:
    admin, kiosk = re.findall(r":\s+([0-9a-f]{64})$", make(tmp_path / "secrets"), re.MULTILINE)
    kept = (tmp_path / "secrets" / "api_keys").read_text()
    hashes = [hashlib.sha256(key.encode()).hexdigest() for key in (admin, kiosk)]
    assert kept == f"admin:admin:{hashes[0]},kiosk:kiosk:{hashes[1]}"
    assert not any(key in text for key in (admin, kiosk) for text in files(tmp_path / "secrets").values())
    assert make(tmp_path / "secrets") == ""


def test_what_is_there_stays(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "database_url").write_text("mysql+pymysql://rollcall:own@db.school.example/school")
    make(folder)
    before = files(folder)
    assert before["database_url"] == "mysql+pymysql://rollcall:own@db.school.example/school"
    (folder / "grafana_admin_password").unlink()
    make(folder)
    after = files(folder)
    assert after.pop("grafana_admin_password") != before.pop("grafana_admin_password")
    assert after == before


def test_only_the_owner_enters_the_folder_and_containers_can_read_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}


@pytest.mark.parametrize("missing", ["od", "sha256sum"])
def test_without_its_tools_it_makes_no_weak_secret(missing: str, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in {"sh", "mkdir", "chmod", "od", "tr", "sha256sum", "cut", "cat", "mv", "rm", "dirname"} - {
        missing
    }:
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    done = subprocess.run(
        [tools / "sh", DEPLOY / "make-secrets", tmp_path / "secrets"],
        env={"PATH": str(tools)},
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
    assert not (tmp_path / "secrets" / "api_keys").exists()
    assert all(len(text) >= 64 for text in files(tmp_path / "secrets").values())
