"""A real server with a certificate."""

import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.certificates import write_certificate
from tests.keys import make_key
from tests.log_lines import lines_of
from tests.packs import picture
from tests.servers import ROOT, RollcallServer, clean_environment, wait_for

pytestmark = pytest.mark.slow


def test_a_server_with_a_certificate_speaks_tls_and_nothing_else(
    tmp_path: Path, pack_settings: dict[str, str]
) -> None:
    made, key = write_certificate(tmp_path / "tls"), make_key()
    settings = {**pack_settings, **made.settings, "API_KEYS": key.entry}
    with RollcallServer(tmp_path, **settings) as server:
        wait_for(lambda: server.health()["status"] == "healthy", "good health")
        fields = {"person_type": "student", "person_code": "S1", "person_name": "Name"}
        # The hop to the runner is there too.
        for path, data in (("enroll", fields), ("recognize", {})):
            answer = server.client.post(
                f"/api/face/{path}", data=data, files={"image": picture(1)}, headers=key.headers
            )
            assert answer.status_code == 200, answer.text
        assert answer.json()["match"]["person_code"] == "S1"
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        assert "Server" not in answer.headers
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{server.port}/api/health")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            trust = ssl.create_default_context(cafile=made.certificate)
            trust.minimum_version = trust.maximum_version = version
            assert httpx.get(f"{server.url}/api/health", verify=trust).status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/api/health")  # nobody has vouched for it
    # All lines are there once it has ended.
    assert "rollcall.access" in server.log()
    assert key.key not in server.log()


def test_a_certificate_that_has_expired_stops_the_start(tmp_path: Path) -> None:
    made = write_certificate(tmp_path, begins_in_days=-9, ends_in_days=-1)
    started = subprocess.run(
        [sys.executable, "-m", "bentoml", "serve", "service:FaceAPI"],
        cwd=ROOT,
        env=clean_environment({**made.settings, "DATABASE_URL": f"sqlite:///{tmp_path}/rollcall.db"}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert started.returncode != 0
    assert "TLS_CERT_FILE: the certificate expired on" in started.stderr
    assert "Traceback" not in started.stderr


def test_a_server_without_one_says_nothing_of_tls_and_not_what_it_runs_on(server: RollcallServer) -> None:
    # The last three are BentoML's own.
    for path in ("/api/health", "/docs", "/nothing", "/livez", "/readyz", "/healthz"):
        answer = server.client.get(path)
        assert "Strict-Transport-Security" not in answer.headers, path
        assert "Server" not in answer.headers, path
        assert answer.headers.get_list("X-Content-Type-Options") == ["nosniff"], path
        assert answer.headers.get_list("Content-Security-Policy"), path


def test_nobody_is_told_what_the_server_is_made_of(server: RollcallServer) -> None:
    answer = server.client.get("/schema.json", headers={"X-Request-ID": "curious"})
    assert (answer.status_code, answer.json()["error_code"]) == (404, "NOT_FOUND")
    assert answer.headers["X-Request-ID"] == "curious"

    def told() -> list[tuple[str, int]]:
        lines = [line for line in lines_of(server) if line["request_id"] == "curious"]
        return [(line["route"], line["status"]) for line in lines]

    wait_for(lambda: told() == [("unmatched", 404)], "the line of the request")
