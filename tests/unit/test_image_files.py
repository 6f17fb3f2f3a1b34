"""What the container image is made of, as far as it can be seen without making one."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.servers import ROOT


class Health(BaseHTTPRequestHandler):
    """Answers /api/health with the status that is on its server."""

    def do_GET(self) -> None:
        status = getattr(self.server, "status", 200) if self.path == "/api/health" else 404
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def answering(status: int, host: str = "127.0.0.1", tls: SSLContext | None = None) -> Iterator[int]:
    """The port of a server whose health has this status."""
    with HTTPServer((host, 0), Health) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.status = status  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def check(**settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "deploy" / "healthcheck.py"],
        env={"http_proxy": "http://127.0.0.1:9", **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("status", "exit_status"), [(200, 0), (503, 1), (404, 1)])
def test_the_health_check_fails_when_the_health_is_bad(status: int, exit_status: int) -> None:
    with answering(status) as port:
        assert check(PORT=str(port)).returncode == exit_status


def test_the_health_check_fails_when_nobody_answers() -> None:
    with answering(200) as port:
        pass
    done = check(PORT=str(port))
    assert done.returncode == 1
    assert "refused" in done.stderr


def test_the_health_check_asks_the_address_on_which_the_server_listens() -> None:
    with answering(200, host="127.0.0.2") as port:
        assert check(PORT=str(port), HOST="127.0.0.2").returncode == 0
        assert check(PORT=str(port), HOST="0.0.0.0").returncode == 1


def test_the_health_check_speaks_tls_where_the_server_does(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    tls = SSLContext(PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with answering(200, tls=tls) as port:
        assert check(PORT=str(port), TLS_CERT_FILE=str(certificate)).returncode == 0


def self_signed(folder: Path) -> Path:
    """A file with a key and a certificate for another name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "school.example")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1)
    ).sign(key, hashes.SHA256())
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_what_a_package_is_built_with_is_locked_too() -> None:
    build = (ROOT / "requirements-build.txt").read_text()
    locked = (ROOT / "requirements-dev.txt").read_text()
    (pinned,) = re.findall(r"^setuptools==\S+", build, re.MULTILINE)
    found = re.findall(r"sha256:\w+", build)
    assert f"\n{pinned} " in locked
    assert found
    assert all(one in locked for one in found)


def test_the_bento_takes_whole_folders_and_files_that_exist() -> None:
    for pattern in yaml.safe_load((ROOT / "bentofile.yaml").read_text())["include"]:
        assert pattern.startswith("/"), f"{pattern} would match in data/ as well"
        path = ROOT / pattern.strip("/")
        assert path.is_dir() if pattern.endswith("/") else path.is_file(), pattern
