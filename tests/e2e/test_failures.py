"""Parts fail; the rest says so, and recovers."""

from pathlib import Path

import pytest

from tests.keys import make_key
from tests.mariadb import MariaDBServer, is_installed
from tests.packs import picture
from tests.servers import RollcallServer, wait_for

pytestmark = pytest.mark.slow


def test_a_killed_runner_comes_back(tmp_path: Path, pack_settings: dict[str, str]) -> None:
    with RollcallServer(tmp_path, **pack_settings) as server:
        runner = next(p for p in server.processes() if "FaceRunner" in p.cmdline())
        runner.kill()
        wait_for(lambda: not runner.is_running(), "the runner's end")

        def answers() -> bool:
            answer = server.client.post("/api/face/detect", files={"image": picture(1)})
            assert answer.status_code in (200, 503), answer.text
            return answer.status_code == 200

        wait_for(answers, "an answer of the new runner")
        wait_for(lambda: server.health().get("status") == "healthy", "good health")


@pytest.mark.skipif(not is_installed(), reason="MariaDB is not installed")
def test_a_database_that_goes_away_is_reported_and_taken_up_again(
    tmp_path: Path, pack_settings: dict[str, str]
) -> None:
    with MariaDBServer() as mariadb:
        url = mariadb.new_database()
        with RollcallServer(tmp_path, **pack_settings, DATABASE_URL=url) as server:
            wait_for(lambda: server.health().get("status") == "healthy", "good health")
            mariadb.stop()
            wait_for(lambda: server.health().get("status") == "unhealthy", "the database being missed")
            assert "database" in server.health()["message"]
            answer = server.client.post("/api/face/recognize", files={"image": picture(1)})
            assert (answer.status_code, answer.json()["error_code"]) == (503, "DATABASE_ERROR")
            mariadb.start()
            wait_for(lambda: server.health().get("status") == "healthy", "good health")
        assert "s3cret-pass" not in server.log()


@pytest.mark.skipif(not is_installed(), reason="MariaDB is not installed")
def test_a_server_starts_before_its_database(tmp_path: Path, pack_settings: dict[str, str]) -> None:
    with MariaDBServer() as mariadb:
        url = mariadb.new_database()
        mariadb.stop()
        with RollcallServer(tmp_path, **pack_settings, DATABASE_URL=url) as server:
            assert server.health()["status"] == "unhealthy"
            mariadb.start()
            wait_for(lambda: server.health().get("status") == "healthy", "good health")
            fields = {"person_type": "student", "person_code": "S1", "person_name": "Name"}
            answer = server.client.post("/api/face/enroll", data=fields, files={"image": picture(1)})
            assert answer.status_code == 200, answer.text


def test_no_picture_embedding_or_name_gets_into_the_log(
    tmp_path: Path, pack_settings: dict[str, str]
) -> None:
    made = make_key()
    with RollcallServer(tmp_path, **pack_settings, LOG_LEVEL="DEBUG", API_KEYS=made.entry) as server:
        headers = made.headers
        fields = {"person_type": "student", "person_code": "S1", "person_name": "Zebulon Quux"}
        for _ in range(2):
            server.client.post("/api/face/enroll", data=fields, files={"image": picture(1)}, headers=headers)
        server.client.post("/api/face/recognize", files={"image": picture(1)}, headers=headers)
        headers["X-Request-ID"] = "the-last-one"
        server.client.post("/api/face/recognize", files={"image": b"\xff\xd8\xff broken"}, headers=headers)
        # A line is in the file a moment after its answer.
        wait_for(lambda: "the-last-one" in server.log(), "the last access line")
        log = server.log()
    digest = made.entry.split(":")[2]
    for secret in ("Zebulon", "Quux", made.key, digest, "FaceDescriptor", "base64"):
        assert secret not in log
