"""What deploy/kubernetes' probes and deploy/prometheus ask, on a real server whose database is away."""

import hashlib
from pathlib import Path

import httpx
import pytest
import yaml

from tests.servers import ROOT, RollcallServer, free_port, wait_for

DEPLOYMENT = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "deployment.yaml").read_text())
CONTAINER = DEPLOYMENT["spec"]["template"]["spec"]["containers"][0]
KEY_HASH = hashlib.sha256(b"a key").hexdigest()


def status(server: RollcallServer, path: str) -> int:
    """0 while it does not listen yet."""
    try:
        return server.client.get(path).status_code
    except httpx.ConnectError:
        return 0


@pytest.mark.slow
def test_a_server_without_its_database_is_alive_and_not_ready(
    tmp_path: Path, pack_settings: dict[str, str]
) -> None:
    server = RollcallServer(
        tmp_path,
        **pack_settings,
        DATABASE_URL=f"mysql+pymysql://rollcall:word@127.0.0.1:{free_port()}/school",
        API_KEYS=f"kiosk:kiosk:{KEY_HASH}",
        RATE_LIMIT_PER_MINUTE="1",
    )
    probes = {
        name: CONTAINER[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")
    }
    server.start()
    try:
        wait_for(lambda: status(server, probes["startup"]) == 200, "a start")
        wait_for(lambda: status(server, probes["readiness"]) == 503, "bad health")
        # None of them needs a key or counts for the limit of one a minute.
        for _ in range(3):
            assert status(server, probes["liveness"]) == 200
            assert status(server, probes["readiness"]) == 503
            assert status(server, "/metrics") == 200
        assert status(server, "/api/face/list/student") == 401
    finally:
        server.stop()
        server.client.close()
