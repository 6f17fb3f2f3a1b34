"""Erasing and restoring beside a running server."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.mariadb import MariaDBServer
from tests.packs import picture
from tests.servers import ROOT, RollcallServer, clean_environment

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def databases_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pack_settings: dict[str, str]
) -> Iterator[tuple[RollcallServer, str]]:
    """A server of its own on each kind of database, and the database's address."""
    folder = tmp_path_factory.mktemp(request.param)
    url = f"sqlite:///{folder}/rollcall.db"
    if request.param == "mariadb":
        mariadb: MariaDBServer = request.getfixturevalue("mariadb")
        url = mariadb.new_database()
    with RollcallServer(folder, **pack_settings, DATABASE_URL=url) as server:
        yield server, url


def rollcall(server: RollcallServer, url: str, *arguments: str) -> None:
    done = subprocess.run(
        [str(ROOT / "bin" / "rollcall"), *arguments],
        cwd=server.folder,
        env=clean_environment({"DATABASE_URL": url}),
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
    rollcall(
        server,
        f"sqlite:///{server.folder}/rollcall.db",
        "erase",
        "--type",
        "student",
        "--code",
        "gone",
        "--yes",
    )
    assert recognized(server, 21) is None


def test_a_restore_is_seen_at_the_next_request(databases_server: tuple[RollcallServer, str]) -> None:
    server, url = databases_server
    enrol(server, "FIRST", 21)
    rollcall(server, url, "backup", "create", "a")
    enrol(server, "SECOND", 22)
    gone = server.client.request(
        "DELETE", "/api/face/delete", json={"person_type": "student", "person_code": "FIRST"}
    )
    assert gone.status_code == 200
    assert (recognized(server, 21), recognized(server, 22)) == (None, "SECOND")
    rollcall(server, url, "backup", "restore", "a")
    assert (recognized(server, 21), recognized(server, 22)) == ("FIRST", "SECOND")
    rollcall(server, url, "backup", "restore", "a", "--mode", "replace", "--drop-images")
    assert (recognized(server, 21), recognized(server, 22)) == ("FIRST", None)
    [undo] = server.folder.glob("a.before-*")
    rollcall(server, url, "backup", "restore", undo.name, "--mode", "replace")
    assert (recognized(server, 21), recognized(server, 22)) == ("FIRST", "SECOND")
