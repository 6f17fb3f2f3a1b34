"""More than can be worked on: told at once, cut off in time, and nothing left behind."""

import asyncio
import json
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import httpx
import pytest

from rollcall.api.bodies import MAX_BODY_BYTES
from rollcall.api.security import Gate
from rollcall.api.unread import LINGER_BYTES
from rollcall.core.faces import Reading, ReadRequest
from rollcall.core.models import LoadedModel
from rollcall.core.ports import FaceReader
from tests.api.calls import base64_of, enrollment, error_of
from tests.api.conftest import settings_for
from tests.keys import make_key
from tests.live_app import LiveApp
from tests.packs import picture
from tests.servers import wait_for

LIMIT = 60.0  # seconds; generous
MEGABYTE = 1024 * 1024


class HeldReader:
    """Reads no picture while it is held."""

    def __init__(self, faces: FaceReader) -> None:
        self._faces = faces
        self.held = False
        self.cancelled = 0

    async def read(self, request: ReadRequest) -> Reading:
        try:
            while self.held:
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return await self._faces.read(request)

    async def load(self, model: str) -> LoadedModel:
        return await self._faces.load(model)

    async def unload(self, model: str) -> None:
        await self._faces.unload(model)


@pytest.fixture
def held(reader: FaceReader) -> HeldReader:
    return HeldReader(reader)


StartHeld = Callable[..., tuple[httpx.Client, Gate]]


@pytest.fixture
def start_held(model_dir: Path, held: HeldReader, tmp_path: Path) -> Iterator[StartHeld]:
    """Start an app whose pictures can be held, and get its gate too."""
    with ExitStack() as apps:

        def start(**settings: object) -> tuple[httpx.Client, Gate]:
            live = LiveApp(settings_for(model_dir, tmp_path, **settings), held)
            return apps.enter_context(live), live.app.state.guards.gate

        yield start
        held.held = False


def detect(api: httpx.Client) -> httpx.Response:
    return api.post("/api/face/detect", files={"image": picture(1)})


def test_who_finds_the_queue_full_is_told_at_once_when_to_come_back(
    start_held: StartHeld, held: HeldReader
) -> None:
    api, gate = start_held(max_concurrent_requests=2, max_queued_requests=3)
    held.held = True
    with ThreadPoolExecutor(5) as pool:
        inside = [pool.submit(detect, api) for _ in range(5)]
        wait_for(lambda: (gate.turns.working, gate.turns.waiting) == (2, 3), "a full queue", LIMIT)
        refused = detect(api)
        assert error_of(refused, 503) == "OVERLOADED"
        assert 1 <= int(refused.headers["Retry-After"]) <= 30
        assert api.get("/api/health").status_code == 200
        held.held = False
        assert [future.result().status_code for future in inside] == [200] * 5
    assert detect(api).status_code == 200
    assert (gate.inside, gate.turns.working, gate.turns.waiting) == (0, 0, 0)


def test_what_is_not_done_in_time_is_given_up_and_its_turn_given_back(
    start_held: StartHeld, held: HeldReader
) -> None:
    api, gate = start_held(max_concurrent_requests=1, request_timeout_seconds=1)
    held.held = True
    answer = detect(api)
    assert error_of(answer, 503) == "OVERLOADED"
    assert "may_be_done" not in answer.json()["details"]
    assert 1 <= int(answer.headers["Retry-After"]) <= 30
    assert held.cancelled == 1
    assert (gate.inside, gate.turns.working) == (0, 0)
    held.held = False
    assert detect(api).status_code == 200


def test_a_request_that_waits_too_long_for_its_turn_is_given_up_as_well(
    start_held: StartHeld, held: HeldReader
) -> None:
    api, gate = start_held(max_concurrent_requests=1, request_timeout_seconds=2)
    held.held = True
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(detect, api) for _ in range(2)]
        assert [error_of(answer.result(), 503) for answer in answers] == ["OVERLOADED"] * 2
    assert (gate.inside, gate.turns.working, gate.turns.waiting) == (0, 0, 0)


def test_an_enrolment_given_up_says_that_it_may_be_stored(start_held: StartHeld, held: HeldReader) -> None:
    api, _ = start_held(request_timeout_seconds=1)
    held.held = True
    answer = api.post("/api/face/enroll", json=enrollment("S001", 1))
    assert error_of(answer, 503) == "OVERLOADED"
    assert answer.json()["details"]["may_be_done"] is True
    held.held = False
    # This one was still being read: nothing is stored, not even the student.
    assert api.get("/api/face/list/all").json()["total_count"] == 0
    assert api.post("/api/face/enroll", json=enrollment("S001", 1)).status_code == 200


def test_an_enrolment_given_up_while_it_waits_for_the_database_is_not_stored_later(
    start_held: StartHeld, tmp_path: Path
) -> None:
    api, gate = start_held(request_timeout_seconds=1)
    lock = sqlite3.connect(tmp_path / "rollcall.db", isolation_level=None)
    with closing(lock):
        lock.execute("BEGIN IMMEDIATE")
        answer = api.post("/api/face/enroll", json=enrollment("S001", 1))
        assert error_of(answer, 503) == "OVERLOADED"
        assert answer.json()["details"]["may_be_done"] is True
        assert gate.inside == 0
        lock.execute("ROLLBACK")
    # It had not begun to commit, so it is not stored, now or later, and may be sent again.
    assert api.post("/api/face/enroll", json=enrollment("S002", 2)).status_code == 200
    listed = api.get("/api/face/list/all").json()["faces"]
    assert [face["person_code"] for face in listed] == ["S002"]
    assert api.post("/api/face/enroll", json=enrollment("S001", 1)).status_code == 200


def test_200_callers_who_hang_up_leave_nothing_behind(start_held: StartHeld, held: HeldReader) -> None:
    api, gate = start_held(max_concurrent_requests=2, max_queued_requests=300)
    held.held = True
    body = json.dumps({"image_base64": base64_of(picture(1))}).encode()
    callers = [connect(api) for _ in range(200)]
    for caller in callers:
        caller.sendall(head(api, "/api/face/detect", f"Content-Length: {len(body)}") + body)
    wait_for(lambda: (gate.turns.working, gate.turns.waiting) == (2, 198), "all of them inside", LIMIT)
    for caller in callers:
        caller.close()
    # Those who wait leave at once; those who are worked on are done when they are done.
    wait_for(lambda: (gate.turns.working, gate.turns.waiting) == (2, 0), "an empty queue", LIMIT)
    held.held = False
    wait_for(lambda: gate.inside == 0, "an empty server", LIMIT)
    assert [detect(api).status_code for _ in range(3)] == [200] * 3


def test_callers_who_hang_up_while_sending_leave_nothing_behind(start_held: StartHeld) -> None:
    api, gate = start_held(max_concurrent_requests=2, max_queued_requests=300)
    callers = [connect(api) for _ in range(50)]
    for caller in callers:
        caller.sendall(head(api, "/api/face/detect", "Content-Length: 100000") + b"{")
    wait_for(lambda: gate.inside == 50, "all of them inside", LIMIT)
    assert gate.turns.working == 0
    assert detect(api).status_code == 200
    for caller in callers:
        caller.close()
    wait_for(lambda: gate.inside == 0, "an empty server", LIMIT)


def connect(api: httpx.Client) -> socket.socket:
    assert api.base_url.port is not None
    connection = socket.create_connection((api.base_url.host, api.base_url.port), timeout=LIMIT)
    connection.settimeout(LIMIT)
    return connection


def head(api: httpx.Client, path: str, *headers: str) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {api.base_url.host}",
        "Content-Type: application/json",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def answer_of(connection: socket.socket) -> bytes:
    """What comes until the server closes."""
    received = b""
    with suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


@pytest.mark.parametrize(("key", "status"), [("X-API-Key: wrong", b"403"), ("X-Nothing: 1", b"401")])
def test_a_caller_without_a_right_key_is_answered_before_a_large_body_is_sent(
    start_held: StartHeld, key: str, status: bytes
) -> None:
    api, gate = start_held(api_keys=make_key().entry)
    with connect(api) as caller:
        caller.sendall(head(api, "/api/face/enroll", f"Content-Length: {10 * MEGABYTE}", key) + b"{" * 1000)
        first = caller.recv(65536)
        assert first.startswith(b"HTTP/1.1 " + status)
        assert b"connection: close" in first.lower()
        # It sends no more, and is not waited for.
        began = time.monotonic()
        answer_of(caller)
        assert time.monotonic() - began < LIMIT
        assert gate.inside == 0


def sent_until_closed(connection: socket.socket, chunks: Iterator[bytes]) -> int:
    """How many bytes could be sent before the server closed."""
    sent = 0
    with suppress(BrokenPipeError, ConnectionResetError):
        for chunk in chunks:
            connection.sendall(chunk)
            sent += len(chunk)
    return sent


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_and_not_read_to_its_end(
    start_held: StartHeld, chunked: bool
) -> None:
    api, _ = start_held()
    size = 100 * MEGABYTE
    kind = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    block = b"10000\r\n" + b" " * 65536 + b"\r\n" if chunked else b" " * 65536
    with connect(api) as caller:
        caller.sendall(head(api, "/api/face/detect", kind))
        sent = sent_until_closed(caller, (block for _ in range(size // 65536)))
        answer = answer_of(caller)
    # What the kernels of both ends hold comes on top.
    assert sent < MAX_BODY_BYTES + LINGER_BYTES + 16 * MEGABYTE < size
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"IMAGE_TOO_LARGE" in answer


def test_a_small_refused_body_does_not_cost_the_connection(start_held: StartHeld) -> None:
    api, _ = start_held(api_keys=make_key().entry)
    with connect(api) as caller:
        for _ in range(2):
            caller.sendall(head(api, "/api/face/detect", "Content-Length: 2") + b"{}")
            answer = b""
            while not answer.endswith(b"}}"):
                answer += caller.recv(65536)
            assert answer.startswith(b"HTTP/1.1 401")
            assert b"connection: close" not in answer.lower()


def test_a_body_that_does_not_arrive_in_time_is_refused(start_held: StartHeld) -> None:
    api, gate = start_held(request_timeout_seconds=1)
    with connect(api) as caller:
        caller.sendall(head(api, "/api/face/detect", "Content-Length: 100000") + b"{")
        answer = answer_of(caller)
    assert answer.startswith(b"HTTP/1.1 422")
    assert b"body did not arrive" in answer
    assert gate.inside == 0
