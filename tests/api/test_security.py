import asyncio

import httpx
import pytest

from rollcall.api.security import Gate
from rollcall.core.errors import Overloaded
from tests.api.calls import error_of
from tests.api.conftest import StartApp

LIST = "/api/face/list/all"


def test_without_keys_the_server_is_open(api: httpx.Client) -> None:
    assert api.get(LIST).status_code == 200


def test_with_keys_a_request_needs_one_of_them(start_app: StartApp) -> None:
    api = start_app(api_keys="first-key, second-key")
    assert error_of(api.get(LIST), 401) == "UNAUTHORIZED"
    assert error_of(api.get(LIST, headers={"X-API-Key": "first"}), 403) == "FORBIDDEN"
    assert api.get(LIST, headers={"X-API-Key": "first-key"}).status_code == 200
    assert api.get(LIST, headers={"Authorization": "Bearer second-key"}).status_code == 200


@pytest.mark.parametrize("path", ["/api/health", "/docs", "/openapi.json"])
def test_health_and_docs_need_no_key_and_no_turn(start_app: StartApp, path: str) -> None:
    api = start_app(api_keys="key", rate_limit_per_minute=1)
    assert [api.get(path).status_code for _ in range(3)] == [200, 200, 200]


def test_the_request_after_the_last_allowed_one_waits(start_app: StartApp) -> None:
    api = start_app(rate_limit_per_minute=3)
    assert [api.get(LIST).status_code for _ in range(3)] == [200] * 3
    answer = api.get(LIST)
    assert error_of(answer, 429) == "RATE_LIMITED"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_callers_with_keys_are_counted_apart(start_app: StartApp) -> None:
    api = start_app(api_keys="a,b", rate_limit_per_minute=1)
    statuses = [api.get(LIST, headers={"X-API-Key": key}).status_code for key in ("a", "a", "b")]
    assert statuses == [200, 429, 200]


def test_an_exempt_network_is_not_counted(start_app: StartApp) -> None:
    api = start_app(rate_limit_per_minute=1, rate_limit_exempt="10.0.0.0/8, 127.0.0.1")
    assert [api.get(LIST).status_code for _ in range(3)] == [200] * 3


def test_a_forwarded_address_counts_only_from_a_trusted_proxy(start_app: StartApp) -> None:
    def statuses(api: httpx.Client) -> list[int]:
        return [api.get(LIST, headers={"X-Forwarded-For": f"192.0.2.{i}"}).status_code for i in range(3)]

    assert statuses(start_app(rate_limit_per_minute=1)) == [200, 429, 429]
    assert statuses(start_app(rate_limit_per_minute=1, trusted_proxies="127.0.0.0/8")) == [200] * 3


def test_a_storage_that_does_not_answer_lets_requests_through(start_app: StartApp) -> None:
    api = start_app(rate_limit_per_minute=1, rate_limit_storage="redis://127.0.0.1:1")
    assert [api.get(LIST).status_code for _ in range(3)] == [200] * 3


def test_pages_of_any_origin_may_call_by_default(api: httpx.Client) -> None:
    asked = {"Origin": "https://school.example", "Access-Control-Request-Method": "POST"}
    answer = api.options("/api/face/recognize", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    failed = api.get("/api/nothing", headers={"Origin": "https://school.example"})
    assert failed.headers["access-control-allow-origin"] == "*"


def test_origins_can_be_restricted(start_app: StartApp) -> None:
    api = start_app(cors_origins="https://school.example")
    for origin, expected in (
        ("https://school.example", "https://school.example"),
        ("https://x.example", None),
    ):
        answer = api.get("/api/health", headers={"Origin": origin})
        assert answer.headers.get("access-control-allow-origin") == expected


def test_a_request_id_is_kept_if_it_is_fit_for_a_log(api: httpx.Client) -> None:
    assert api.get(LIST, headers={"X-Request-ID": "abc-123"}).headers["X-Request-ID"] == "abc-123"
    made = api.get(LIST, headers={"X-Request-ID": "a b\tc"}).headers["X-Request-ID"]
    assert made != "a b\tc"
    assert len(made) == 32


def test_a_full_queue_turns_the_next_request_away() -> None:
    async def scene() -> None:
        gate = Gate(max_concurrent=1, max_queued=1)
        leave = asyncio.Event()

        async def visit() -> None:
            async with gate.place(), gate.turn():
                await leave.wait()

        inside = asyncio.create_task(visit())
        waiting = asyncio.create_task(visit())
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            async with gate.place():
                pass
        leave.set()
        await asyncio.gather(inside, waiting)
        async with gate.place(), gate.turn():
            pass

    asyncio.run(scene())
