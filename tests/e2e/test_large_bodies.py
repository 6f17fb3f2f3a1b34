"""A hundred large pictures at once: a real server's memory stays within bounds."""

import base64
import json
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from rollcall.api.body_budget import MAX_BYTES, MAX_BYTES_OF_ONE
from rollcall.api.schemas.common import MAX_PICTURE_BYTES
from tests.packs import picture
from tests.servers import RollcallServer

pytestmark = pytest.mark.slow

CALLERS = 100
MEGABYTE = 1024 * 1024
# Beside the bodies: the copies of those that are taken apart or on their way to the runner, and what malloc
# keeps. Without a limit it grew by 1,660 MB.
BESIDE = 1024 * MEGABYTE


@pytest.mark.parametrize(("callers", "bytes_held"), [(1, MAX_BYTES_OF_ONE), (4, MAX_BYTES)])
def test_memory_stays_within_bounds(
    tmp_path: Path, pack_settings: dict[str, str], callers: int, bytes_held: int
) -> None:
    photo = picture(1)
    photo += bytes(MAX_PICTURE_BYTES - len(photo))
    body = json.dumps({"image_base64": base64.b64encode(photo).decode()}).encode()
    with RollcallServer(tmp_path, **pack_settings) as server:
        small = {"image": picture(1)}
        assert server.client.post("/api/face/detect", files=small).status_code == 200
        before = peak_bytes(server)
        with ThreadPoolExecutor(CALLERS) as pool:
            statuses = list(
                pool.map(lambda n: send(server.port, body, f"127.0.0.{2 + n % callers}"), range(CALLERS))
            )
        grown = peak_bytes(server) - before
        counts = Counter(statuses)
        assert set(counts) == {"200", "503"}, counts
        assert grown < bytes_held + BESIDE, f"{grown // MEGABYTE} MB; {counts}"
        assert server.client.post("/api/face/detect", files=small).status_code == 200


def peak_bytes(server: RollcallServer) -> int:
    status = Path(f"/proc/{server.worker('FaceAPI').pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def send(port: int, body: bytes, address: str) -> str:
    """The answer's status. Who is refused while sending stops, as a caller should."""
    head = (
        "POST /api/face/detect HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=120, source_address=(address, 0)) as caller:
        with suppress(BrokenPipeError, ConnectionResetError):
            caller.sendall(head.encode() + body)
        with suppress(ConnectionResetError):
            while chunk := caller.recv(65536):
                answer += chunk
    return answer[9:12].decode()
