"""Every command of the docs on keys and TLS works as it is written."""

import re
from pathlib import Path

import pytest

from rollcall.core.api_keys import digest_of
from tests.docs import Reader, commands
from tests.keys import make_key
from tests.servers import RollcallServer


@pytest.mark.slow
def test_the_commands_work_as_they_are_written(tmp_path: Path, pack_settings: dict[str, str]) -> None:
    told = commands("docs/deployment.md", "Keys and TLS")
    before = [command for command in told if not command.startswith("curl")]
    calls = [command for command in told if command.startswith("curl")]
    assert len(before) >= 4
    assert len(calls) >= 2
    key, entries = make_key().key, []
    for command in before:
        said = Reader(tmp_path, settings={"ROLLCALL_KEY": key}).run(command)
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
            reader = Reader(tmp_path, settings={"ROLLCALL_KEY": key})
            said = reader.run(command.replace(":8000", f":{server.port}"))
            assert '"success":true' in said, (command, said)
