"""Which web pages may call, and the id of a request."""

import httpx

from tests.api.conftest import StartApp

LIST = "/api/face/list/all"


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
