"""Imports by a real server: killed in the middle, and asked meanwhile."""

import json
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_large_bodies import peak_bytes
from tests.imports import begin, begun, code, ended, list_of, look, rows
from tests.packs import picture
from tests.servers import RollcallServer, wait_for

pytestmark = pytest.mark.slow

MANY = 400
DIFFERENT = 60


@pytest.fixture
def server(tmp_path: Path, pack_settings: dict[str, str]) -> Iterator[RollcallServer]:
    settings = {"IMPORT_DIR": str(tmp_path / "imports"), "ENABLE_FACE_QUALITY_CHECK": "false"}
    with RollcallServer(tmp_path, **pack_settings, **settings) as server:
        yield server


def test_a_server_that_is_killed_goes_on_and_does_nothing_twice(server: RollcallServer) -> None:
    pictures = [picture(number) for number in range(DIFFERENT)]
    files = {f"{code(number)}.jpg": pictures[number % DIFFERENT] for number in range(MANY)}
    id = begun(server.client, files, list_of(*range(MANY)))
    wait_for(lambda: int(look(server.client, id)["job"]["done"]) > 0, "the first rows")
    server.kill()
    server.start()
    wait_for(lambda: server.health().get("model_loaded", False), "a new start")
    assert look(server.client, id)["job"]["done"] < MANY
    job = ended(server.client, id)["job"]
    assert (job["state"], job["done"], job["enrolled"], job["skipped"]) == ("done", MANY, MANY, 0)
    faces = server.client.get("/api/face/list/student").json()["faces"]
    assert [face["person_code"] for face in faces] == [code(number) for number in range(MANY)]
    report = rows(server.client.get(f"/api/jobs/{id}/report").content)
    assert [row["code"] for row in report] == [code(number) for number in range(MANY)]
    wait_for(lambda: list((server.folder / "imports").iterdir()) == [], "the upload's end")


def test_a_zip_bomb_is_refused_and_the_server_goes_on(server: RollcallServer, tmp_path: Path) -> None:
    file = tmp_path / "bomb.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bomb:
        for number in range(50):
            bomb.writestr(f"{code(number)}.jpg", bytes(50_000_000))
    sent = {"photos": file.read_bytes()}
    answer = server.client.post("/api/jobs/import", data={"person_type": "student"}, files=sent)
    assert answer.status_code == 422
    assert "far more than photos would" in answer.json()["message"]
    assert begin(server.client, {"S001.jpg": picture(1)}).status_code == 202


def test_an_upload_is_never_in_memory_as_a_whole(server: RollcallServer, tmp_path: Path) -> None:
    file = tmp_path / "large.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as made:
        made.writestr("S001.jpg", picture(1))
        for number in range(60):
            made.writestr(f"{number}.raw", bytes(5_000_000))
    ended(server.client, begun(server.client, {"S002.jpg": picture(2)}))
    before = peak_bytes(server)
    # Not httpx, which would send it from memory.
    url = f"{server.url}/api/jobs/import"
    form = ["-F", "person_type=student", "-F", f"photos=@{file}"]
    sent = subprocess.run(["curl", "--silent", *form, url], capture_output=True, check=True, timeout=300)
    assert ended(server.client, json.loads(sent.stdout)["job"]["id"])["job"]["enrolled"] == 1
    assert peak_bytes(server) - before < 100_000_000
