import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rollcall.cli.__main__ import main
from rollcall.core.api_keys import Role, digest_of, parse_api_keys
from tests.servers import ROOT, clean_environment


def test_it_prints_a_key_and_the_entry_of_that_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "gate"]) == 0
    words = capsys.readouterr().out.split()
    [key] = [word for word in words if word.startswith("rollcall_")]
    [entry] = [word for word in words if word.startswith("gate:")]
    [read] = parse_api_keys(entry)
    assert (read.name, read.role, read.digest) == ("gate", Role.KIOSK, digest_of(key))


def test_programs_get_it_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "office", "--role", "admin", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["name"], made["role"]) == ("office", "admin")
    assert made["entry"] == f"office:admin:{digest_of(made['key'])}"


@pytest.mark.parametrize("name", ["", "Gate", "a:b", "a,b", "a" * 41, "two words"])
def test_a_wrong_name_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["keys", "create", name])
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert "a-z" in captured.err
    assert captured.out == ""


def test_it_works_while_the_settings_are_wrong_and_there_is_no_database(tmp_path: Path) -> None:
    settings = {"API_KEYS": "a-former-key", "DATABASE_URL": "mysql+pymysql://nobody@127.0.0.1:1/none"}
    done = subprocess.run(
        [sys.executable, "-m", "rollcall.cli", "keys", "create", "gate"],
        cwd=tmp_path,
        env={**clean_environment(settings), "PYTHONPATH": os.fspath(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "gate:kiosk:" in done.stdout
    assert list(tmp_path.iterdir()) == []
