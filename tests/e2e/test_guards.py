"""Keys and limits of a real server, BentoML's layers included."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from rollcall.core.api_keys import Role
from tests.keys import MadeKey, make_key
from tests.servers import RollcallServer, wait_for

pytestmark = pytest.mark.slow

LIST = "/api/face/list/all"
LOG_LIMIT = 60.0
KIOSK, ADMIN = make_key("gate", Role.KIOSK), make_key("office", Role.ADMIN)


@pytest.fixture(scope="module")
def guarded(
    tmp_path_factory: pytest.TempPathFactory, pack_settings: dict[str, str]
) -> Iterator[RollcallServer]:
    settings = {
        "API_KEYS": f"{KIOSK.entry},{ADMIN.entry}",
        "RATE_LIMIT_PER_MINUTE": "100",
        "TRUSTED_PROXIES": "127.0.0.1",
    }
    with RollcallServer(tmp_path_factory.mktemp("guards"), **pack_settings, **settings) as server:
        yield server


@pytest.mark.parametrize(("key", "status"), [(ADMIN, 200), (KIOSK, 403)])
def test_exactly_100_of_101_at_once_pass(guarded: RollcallServer, key: MadeKey, status: int) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: guarded.client.get(LIST, headers=key.headers), range(101)))
    assert sorted(answer.status_code for answer in answers) == [status] * 100 + [429]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"100"}


def test_addresses_behind_a_trusted_proxy_are_counted_apart(guarded: RollcallServer) -> None:
    def left(forwarded: str) -> int:
        answer = guarded.client.get(LIST, headers={"X-Forwarded-For": forwarded})
        assert answer.status_code == 401
        return int(answer.headers["X-RateLimit-Remaining"])

    assert [left("192.0.2.1"), left("192.0.2.1"), left("192.0.2.2")] == [99, 98, 99]
    assert left("203.0.113.5, 192.0.2.1") == 97


def test_a_large_body_without_a_key_is_answered_before_it_is_sent(guarded: RollcallServer) -> None:
    head = f"POST /api/face/enroll HTTP/1.1\r\nHost: localhost\r\nContent-Length: {10 * 1024 * 1024}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", guarded.port), timeout=60) as caller:
        caller.sendall(head.encode() + b"{" * 1000)
        answer = b""
        while chunk := caller.recv(65536):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 401")
    assert b"UNAUTHORIZED" in answer


def test_keys_and_hashes_are_in_no_log(guarded: RollcallServer) -> None:
    headers = {"X-API-Key": "rollcall_a-wrong-one", "X-Request-ID": "the-wrong-one"}
    guarded.client.get(LIST, headers=headers)
    # A line is in the file a moment after its answer.
    wait_for(lambda: "the-wrong-one" in guarded.log(), "the access line", LOG_LIMIT)
    log = guarded.log()
    for secret in (KIOSK.key, ADMIN.key, KIOSK.entry.split(":")[2], "rollcall_a-wrong-one"):
        assert secret not in log
    assert "THIS SERVER IS OPEN" not in log


def test_the_console_is_served_without_a_key_and_bentoml_has_no_page_before_it(
    guarded: RollcallServer,
) -> None:
    led = guarded.client.get("/", follow_redirects=True, headers={"X-Forwarded-For": "192.0.2.9"})
    assert (led.status_code, led.url.path) == (200, "/console/")
    assert led.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in led.headers["Content-Security-Policy"]
    assert len(led.headers.get_list("Content-Security-Policy")) == 1
    assert led.headers.get_list("Cache-Control") == ["no-cache"]
    assert led.headers["X-Request-ID"]
