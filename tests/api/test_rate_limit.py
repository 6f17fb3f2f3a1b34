"""How often one caller may ask: exactly, by key or by address, over one server or several."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.api.calls import error_of
from tests.api.conftest import StartApp
from tests.keys import make_key
from tests.redis_server import RedisServer, is_installed
from tests.servers import wait_for

LIST = "/api/face/list/all"
WRONG_KEY = {"X-API-Key": "a-wrong-one"}


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    if not is_installed():
        pytest.skip("Redis is not installed (apt-get install redis-server)")
    with RedisServer() as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
def storage(request: pytest.FixtureRequest) -> str:
    if request.param == "memory":
        return "memory"
    server: RedisServer = request.getfixturevalue("redis")
    server.stop()
    server.start()  # empty
    return server.url


def statuses(api: httpx.Client, count: int) -> list[int]:
    return [api.get(LIST).status_code for _ in range(count)]


def statuses_at_once(apis: list[httpx.Client], count: int) -> list[int]:
    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(lambda number: apis[number % len(apis)].get(LIST).status_code, range(count)))


def from_address(api: httpx.Client, address: str) -> httpx.Client:
    """A client of the same server, at another address of this machine."""
    return httpx.Client(
        base_url=api.base_url, transport=httpx.HTTPTransport(local_address=address), timeout=60
    )


def test_exactly_100_of_101_pass(start_app: StartApp, storage: str) -> None:
    api = start_app(rate_limit_per_minute=100, rate_limit_storage=storage)
    assert statuses(api, 101) == [200] * 100 + [429]


def test_exactly_100_of_101_at_once_pass(start_app: StartApp, storage: str) -> None:
    api = start_app(rate_limit_per_minute=100, rate_limit_storage=storage)
    assert sorted(statuses_at_once([api], 101)) == [200] * 100 + [429]


def test_two_servers_with_one_redis_count_together(start_app: StartApp, redis: RedisServer) -> None:
    redis.stop()
    redis.start()
    apis = [start_app(rate_limit_per_minute=100, rate_limit_storage=redis.url) for _ in range(2)]
    assert sorted(statuses_at_once(apis, 101)) == [200] * 100 + [429]


def test_every_counted_answer_says_how_the_caller_stands(start_app: StartApp, storage: str) -> None:
    api = start_app(rate_limit_per_minute=3, rate_limit_storage=storage)
    answers = [api.get(LIST), api.get("/api/face/list/nobody"), api.post("/api/face/detect"), api.get(LIST)]
    assert [answer.status_code for answer in answers] == [200, 422, 422, 429]
    assert [answer.headers["X-RateLimit-Limit"] for answer in answers] == ["3"] * 4
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert all(1 <= int(answer.headers["X-RateLimit-Reset"]) <= 60 for answer in answers)
    assert error_of(answers[-1], 429) == "RATE_LIMITED"
    assert answers[-1].headers["Retry-After"] == answers[-1].headers["X-RateLimit-Reset"]
    assert answers[-1].json()["details"]["retry_after"] == int(answers[-1].headers["Retry-After"])


@pytest.mark.parametrize("path", ["/api/health", "/metrics", "/docs", "/openapi.json"])
def test_health_metrics_and_docs_are_not_counted(start_app: StartApp, path: str) -> None:
    api = start_app(rate_limit_per_minute=1)
    answers = [api.get(path) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert not any("X-RateLimit-Limit" in answer.headers for answer in answers)


def test_no_limit_says_nothing_of_one(start_app: StartApp) -> None:
    answer = start_app(rate_limit_per_minute=0).get(LIST)
    assert "X-RateLimit-Limit" not in answer.headers


def test_a_key_is_counted_wherever_it_calls_from(start_app: StartApp) -> None:
    first, second = make_key("first"), make_key("second")
    api = start_app(api_keys=f"{first.entry},{second.entry}", rate_limit_per_minute=2)
    with from_address(api, "127.0.0.9") as elsewhere:
        answers = [client.get(LIST, headers=first.headers) for client in (api, elsewhere, api, elsewhere)]
        assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
        assert api.get(LIST, headers=second.headers).status_code == 200


def test_without_keys_each_address_is_counted_apart_whatever_key_it_sends(start_app: StartApp) -> None:
    api = start_app(rate_limit_per_minute=2)
    with from_address(api, "127.0.0.9") as elsewhere:
        sent = [api.get(LIST, headers={"X-API-Key": f"made up {n}"}).status_code for n in range(3)]
        assert sent == [200, 200, 429]
        assert elsewhere.get(LIST).status_code == 200


def test_a_key_named_like_an_address_is_not_counted_as_one(start_app: StartApp) -> None:
    key = make_key("127.0.0.1")
    api = start_app(api_keys=key.entry, rate_limit_per_minute=1)
    assert api.get(LIST).status_code == 401
    assert api.get(LIST, headers=key.headers).status_code == 200


@pytest.mark.parametrize(("headers", "status"), [(WRONG_KEY, 403), ({}, 401)])
def test_a_wrong_or_missing_key_counts_for_its_address(
    start_app: StartApp, headers: dict[str, str], status: int
) -> None:
    key = make_key()
    api = start_app(api_keys=key.entry, rate_limit_per_minute=3)
    answers = [api.get(LIST, headers=headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [status] * 3 + [429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    # One device with an old key does not lock out the others behind its address.
    assert api.get(LIST, headers=key.headers).status_code == 200


def test_wrong_keys_from_an_address_never_lock_out_a_right_one(start_app: StartApp) -> None:
    key = make_key()
    api = start_app(api_keys=key.entry, rate_limit_per_minute=2)
    wrong = [api.get(LIST, headers=WRONG_KEY).status_code for _ in range(100)]
    assert wrong == [403] * 2 + [429] * 98
    assert api.get(LIST, headers=key.headers).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/api/face/nothing", 404),
        ("GET", "/static-offline-docs/nothing.js", 404),
        ("GET", "/api/face/enroll", 405),
        ("OPTIONS", "/api/face/enroll", 405),
        ("BREW", "/api/face/enroll", 405),
        ("BREW", "/nowhere", 404),
    ],
)
def test_unknown_paths_and_wrong_methods_count_for_their_address(
    start_app: StartApp, method: str, path: str, status: int
) -> None:
    key = make_key()
    api = start_app(api_keys=key.entry, rate_limit_per_minute=2)
    answers = [api.request(method, path) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status] * 2 + [429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert error_of(answers[-1], 429) == "RATE_LIMITED"
    assert answers[-1].headers["Retry-After"] == answers[-1].headers["X-RateLimit-Reset"]
    assert api.get(LIST, headers=key.headers).status_code == 200


def test_preflights_are_not_counted(start_app: StartApp) -> None:
    api = start_app(rate_limit_per_minute=1)
    asked = {"Origin": "http://example.org", "Access-Control-Request-Method": "POST"}
    answers = [api.options("/api/face/enroll", headers=asked) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert not any("X-RateLimit-Limit" in answer.headers for answer in answers)
    assert statuses(api, 2) == [200, 429]


def test_an_exempt_network_is_not_counted(start_app: StartApp) -> None:
    key = make_key()
    api = start_app(rate_limit_per_minute=1, rate_limit_exempt="10.0.0.0/8, 127.0.0.1", api_keys=key.entry)
    api.headers.update(key.headers)
    assert statuses(api, 3) == [200] * 3
    with from_address(api, "127.0.0.9") as elsewhere:
        elsewhere.headers.update(key.headers)
        assert statuses(elsewhere, 2) == [200, 429]


def test_a_forwarded_address_counts_only_from_a_trusted_proxy(start_app: StartApp) -> None:
    def forwarded(api: httpx.Client, chain: str) -> list[int]:
        return [api.get(LIST, headers={"X-Forwarded-For": chain % i}).status_code for i in range(3)]

    assert forwarded(start_app(rate_limit_per_minute=1), "192.0.2.%d") == [200, 429, 429]
    api = start_app(rate_limit_per_minute=1, trusted_proxies="127.0.0.0/8")
    assert forwarded(api, "192.0.2.%d") == [200] * 3
    # What stands left of the address that the proxy saw is the caller's own invention.
    assert forwarded(api, "192.0.2.%d, 198.51.100.9") == [200, 429, 429]
    # The addresses of one /64 are one customer's.
    assert forwarded(api, "2001:db8:0:1::%d") == [200, 429, 429]


def test_a_storage_that_does_not_answer_lets_requests_through_and_says_so(
    start_app: StartApp, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "rollcall.api"):
        api = start_app(rate_limit_per_minute=1, rate_limit_storage="redis://:hush@127.0.0.1:1")
        assert statuses(api, 3) == [200] * 3
    said = [record.getMessage() for record in caplog.records if "storage" in record.getMessage()]
    # It is asked anew after a while only, so not each request says it.
    assert len(said) == 1
    assert "hush" not in caplog.text


def test_redis_that_goes_and_comes_is_used_again(start_app: StartApp, redis: RedisServer) -> None:
    redis.stop()
    redis.start()
    api = start_app(rate_limit_per_minute=1, rate_limit_storage=redis.url)
    assert statuses(api, 2) == [200, 429]
    redis.stop()
    assert statuses(api, 2) == [200, 200]
    redis.start()
    wait_for(lambda: 429 in statuses(api, 2), "a counted request", 60)
