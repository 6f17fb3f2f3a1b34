"""What every answer says to browsers."""

import base64
import hashlib
import re

import httpx
import pytest

from tests.api.calls import enrollment, error_of
from tests.api.conftest import StartApp
from tests.keys import make_key
from tests.scrape import Difference

ORIGIN = {"Origin": "https://school.example"}


def preflight(api: httpx.Client, headers: str = "content-type") -> httpx.Response:
    asked = {
        **ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": headers,
    }
    return api.options("/api/face/recognize", headers=asked)


def test_every_answer_has_the_security_headers(start_app: StartApp) -> None:
    key = make_key()
    api = start_app(api_keys=key.entry, rate_limit_per_minute=3)
    with_key = key.headers
    answers = {
        "health": api.get("/api/health"),
        "metrics": api.get("/metrics"),
        "answer": api.get("/api/face/list/all", headers=with_key),
        "no key": api.get("/api/face/list/all"),
        "invalid": api.post("/api/face/detect", headers=with_key),
        "last": api.post("/api/face/detect", headers=with_key),
        "limited": api.post("/api/face/detect", headers=with_key),
        "unknown": api.get("/nothing"),
        "method": api.put("/api/face/detect"),
        "preflight": preflight(api),
        "document": api.get("/openapi.json"),
        "docs": api.get("/docs"),
        "asset": api.get("/static-offline-docs/swagger-ui.css"),
    }
    assert [answers[name].status_code for name in ("limited", "method", "preflight")] == [429, 405, 200]
    for name, answer in answers.items():
        said = answer.headers
        assert said["X-Content-Type-Options"] == "nosniff", name
        assert said["Referrer-Policy"] == "no-referrer", name
        assert said["X-Frame-Options"] == "DENY", name
        assert said["Permissions-Policy"].startswith("camera=(self)"), name
        assert said["Cross-Origin-Resource-Policy"] == "same-origin", name
        assert "frame-ancestors 'none'" in said["Content-Security-Policy"], name
        assert said["Content-Security-Policy"].startswith("default-src 'none'"), name
        assert "Strict-Transport-Security" not in said, name
        assert (said.get("Cache-Control") == "no-store") is (name != "asset"), name
        for header in ("X-Content-Type-Options", "Content-Security-Policy", "Cache-Control"):
            assert len(said.get_list(header)) <= 1, (name, header)


def test_the_docs_may_run_their_own_scripts_and_no_others(start_app: StartApp) -> None:
    page = start_app().get("/docs")
    policy = dict(
        (part.split()[0], part.split()[1:]) for part in page.headers["Content-Security-Policy"].split("; ")
    )
    inline = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    assert inline
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in inline]
    assert policy["script-src"] == ["'self'", *(f"'sha256-{digest}'" for digest in digests)]
    assert policy["connect-src"] == ["'self'"]
    # Nothing else in the page is a script, so nothing in it is left out.
    assert len(re.findall("<script", page.text)) == len(inline) + len(re.findall("<script src=", page.text))
    assert "onload=" not in page.text


def test_a_web_page_may_send_a_key_and_read_the_limits(start_app: StartApp) -> None:
    key = make_key()
    api = start_app(api_keys=key.entry, rate_limit_per_minute=10)
    asked = preflight(api, "x-api-key,content-type")
    assert asked.status_code == 200
    assert "x-api-key" in asked.headers["Access-Control-Allow-Headers"].lower()
    answer = api.get("/api/face/list/all", headers={**key.headers, **ORIGIN})
    readable = answer.headers["Access-Control-Expose-Headers"]
    for header in ("X-Request-ID", "Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining"):
        assert header in readable
    assert "X-RateLimit-Reset" in readable


@pytest.mark.parametrize("origins", ["*", "https://school.example"])
def test_a_browsers_own_credentials_are_never_asked_for(start_app: StartApp, origins: str) -> None:
    api = start_app(cors_origins=origins)
    for answer in (preflight(api), api.get("/api/health", headers=ORIGIN)):
        assert answer.headers["Access-Control-Allow-Origin"] == origins
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(("origins", "method"), [("https://other.example", "POST"), ("*", "PATCH")])
def test_a_refused_preflight_is_an_error_like_all_others(
    start_app: StartApp, origins: str, method: str
) -> None:
    api = start_app(cors_origins=origins)
    grew = Difference(api)
    asked = {**ORIGIN, "Access-Control-Request-Method": method, "X-Request-ID": "a-page"}
    refused = api.options("/api/face/recognize", headers=asked)
    assert error_of(refused, 403) == "FORBIDDEN"
    assert "CORS_ORIGINS" in refused.json()["details"]["suggestion"]
    assert refused.headers["X-Request-ID"] == "a-page"
    assert "Origin" in refused.headers["Vary"]
    assert grew.value("rollcall_errors_total", code="FORBIDDEN") == 1


def test_an_error_of_the_handler_has_them_too(start_app: StartApp) -> None:
    answer = start_app().post("/api/face/enroll", json=enrollment("S001", 1) | {"mode": "append"})
    assert answer.status_code == 422
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
