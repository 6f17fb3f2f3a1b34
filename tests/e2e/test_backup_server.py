"""Erasing and restoring beside a running server."""

import subprocess

import pytest

from tests.packs import picture
from tests.servers import ROOT, RollcallServer, clean_environment

pytestmark = pytest.mark.slow


def rollcall(server: RollcallServer, *arguments: str) -> None:
    done = subprocess.run(
        [str(ROOT / "bin" / "rollcall"), *arguments],
        cwd=server.folder,
        env=clean_environment({"DATABASE_URL": f"sqlite:///{server.folder}/rollcall.db"}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def recognized(server: RollcallServer, person: int) -> str | None:
    match = server.client.post("/api/face/recognize", files={"image": picture(person)}).json()["match"]
    code: str | None = match and match["person_code"]
    return code


def enrol(server: RollcallServer, code: str, person: int) -> None:
    form = {"person_type": "student", "person_code": code, "person_name": "Ada"}
    answer = server.client.post("/api/face/enroll", data=form, files={"image": picture(person)})
    assert answer.status_code == 200, answer.text


def test_an_erased_person_is_not_recognised_at_the_next_request(server: RollcallServer) -> None:
    enrol(server, "GONE", 21)
    assert recognized(server, 21) == "GONE"
    rollcall(server, "erase", "--type", "student", "--code", "gone", "--yes")
    assert recognized(server, 21) is None
