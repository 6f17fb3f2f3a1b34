"""Every command of the docs on keys and TLS works as it is written."""

import re
import subprocess
from pathlib import Path

import pytest

from rollcall.core.api_keys import digest_of
from tests.keys import make_key
from tests.servers import ROOT, RollcallServer, clean_environment

DOCS = (ROOT / "docs" / "deployment.md").read_text()
SECTION = re.split(r"^## ", DOCS.partition("## Keys and TLS\n")[2], flags=re.MULTILINE)[0]


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def run(command: str, folder: Path, key: str) -> str:
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=clean_environment({"ROLLCALL_KEY": key}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


@pytest.mark.slow
def test_the_commands_work_as_they_are_written(tmp_path: Path, pack_settings: dict[str, str]) -> None:
    (tmp_path / "bin").symlink_to(ROOT / "bin")
    before = [command for command in commands() if not command.startswith("curl")]
    calls = [command for command in commands() if command.startswith("curl")]
    assert len(before) >= 4
    assert len(calls) >= 2
    key, entries = make_key().key, []
    for command in before:
        said = run(command, tmp_path, key)
        if " keys create " in command:
            entries += re.findall(r"^ *(\S+:\w+:[0-9a-f]{64})$", said, re.MULTILINE)
            [key] = re.findall(r"^ *(rollcall_\S+)$", said, re.MULTILINE)
        if "sha256sum" in command:
            assert said.split()[0] == digest_of(key)
    assert [entry.split(":")[:2] for entry in entries] == [["gate", "kiosk"], ["office", "admin"]]
    settings = {"TLS_CERT_FILE": str(tmp_path / "cert.pem"), "TLS_KEY_FILE": str(tmp_path / "key.pem")}
    # Its certificate is localhost's, as the commands call it.
    with RollcallServer(tmp_path, **pack_settings, **settings, API_KEYS=",".join(entries)) as server:
        for command in calls:
            said = run(f"{command} --silent".replace(":8000", f":{server.port}"), tmp_path, key)
            assert '"success":true' in said, (command, said)
