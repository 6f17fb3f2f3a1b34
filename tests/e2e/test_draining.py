"""SIGTERM: what is in flight is answered, newcomers are refused, and the server is gone within 30 seconds."""

import base64
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPResponse
from pathlib import Path

import httpx
import pytest

from tests.packs import picture
from tests.servers import RollcallServer, wait_for

pytestmark = pytest.mark.slow

DOCKER_PATIENCE_SECONDS = 30.0
BATCH = 40
SIZE = (1480, 832)


@pytest.fixture
def own_server(tmp_path: Path, pack_settings: dict[str, str]) -> Iterator[RollcallServer]:
    with RollcallServer(tmp_path, **pack_settings) as server:
        wait_for(lambda: server.health()["status"] == "healthy", "good health")
        yield server


class HalfSent:
    """A recognition whose last bytes have not been sent yet."""

    def __init__(self, server: RollcallServer, image: bytes) -> None:
        request = httpx.Request("POST", f"{server.url}/api/face/recognize", files={"image": image})
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        message = f"POST /api/face/recognize HTTP/1.1\r\n{head}\r\n".encode() + request.read()
        self._rest = message[-100:]
        self.connection = connect(server)
        self.connection.sendall(message[:-100])

    def complete(self) -> None:
        self.connection.sendall(self._rest)

    def status(self) -> int:
        answer = HTTPResponse(self.connection)
        answer.begin()
        assert b'"success":true' in answer.read()
        return answer.status


def connect(server: RollcallServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=60)


def refuses(server: RollcallServer) -> bool:
    try:
        connect(server).close()
    except ConnectionRefusedError:
        return True
    return False


def enrolled(server: RollcallServer) -> int:
    count: int = server.client.get("/api/face/list/student").json()["total_count"]
    return count


def enrol_many(server: RollcallServer) -> httpx.Response:
    enrollments = [
        {
            "person_type": "student",
            "person_code": f"S{number}",
            "person_name": "Name",
            "image_base64": base64.b64encode(picture(number, size=SIZE)).decode(),
        }
        for number in range(BATCH)
    ]
    # A client of its own, which no other request waits for.
    return httpx.post(f"{server.url}/api/face/batch-enroll", json={"enrollments": enrollments}, timeout=60)


def test_what_is_in_flight_is_answered_and_newcomers_are_refused(own_server: RollcallServer) -> None:
    server = own_server
    with ThreadPoolExecutor() as pool, ExitStack() as connections:
        idle = connections.enter_context(connect(server))
        half_sent = [HalfSent(server, picture(number)) for number in range(10)]
        for request in half_sent:
            connections.enter_context(request.connection)
        batch = pool.submit(enrol_many, server)
        wait_for(lambda: enrolled(server) > 0, "the batch's first enrolment")
        signalled = time.monotonic()
        server.terminate()
        wait_for(lambda: refuses(server), "newcomers being refused", limit=DOCKER_PATIENCE_SECONDS)
        assert not batch.done(), "the batch was too short for this test"
        for request in half_sent:
            request.complete()
        assert [request.status() for request in half_sent] == [200] * 10
        assert idle.recv(1) == b""  # nobody waits for who says nothing
        answer = batch.result()
    assert server.exit_status() == 0
    assert time.monotonic() - signalled < DOCKER_PATIENCE_SECONDS
    assert answer.status_code == 200
    assert answer.json()["summary"] == {"total": BATCH, "successful": BATCH, "failed": 0}


def test_whoever_never_sends_the_rest_holds_nothing_up(own_server: RollcallServer) -> None:
    with HalfSent(own_server, picture(1)).connection:
        own_server.health()  # answered after the server saw the half
        family = own_server.processes()
        signalled = time.monotonic()
        own_server.terminate()
        assert own_server.exit_status() == 0
        assert time.monotonic() - signalled < DOCKER_PATIENCE_SECONDS
    assert not [process for process in family if process.is_running()]


def test_a_server_that_has_nothing_to_do_ends_at_once(own_server: RollcallServer) -> None:
    signalled = time.monotonic()
    for _ in range(2):
        own_server.terminate()
    assert own_server.exit_status() == 0
    assert time.monotonic() - signalled < DOCKER_PATIENCE_SECONDS / 2
    assert "Traceback" not in own_server.log()


def test_a_server_that_is_still_starting_ends_too(tmp_path: Path, pack_settings: dict[str, str]) -> None:
    server = RollcallServer(tmp_path, **pack_settings)
    server.start()
    wait_for(lambda: len(server.processes()) > 1, "the first worker")
    server.terminate()
    assert server.exit_status() == 0


def test_a_worker_that_ended_alone_is_followed_by_one_that_answers(own_server: RollcallServer) -> None:
    api = own_server.worker("FaceAPI")
    api.terminate()
    wait_for(lambda: not api.is_running(), "the end of the API's worker")
    wait_for(lambda: own_server.health().get("status") == "healthy", "good health")
