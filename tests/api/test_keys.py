"""API keys and their roles."""

import logging
import re
import time
from pathlib import Path

import httpx
import pytest

from rollcall.api.app import create_app
from rollcall.api.roles import KIOSK_MAY
from rollcall.api.security import KeyCheck
from rollcall.core.api_keys import Role
from rollcall.core.ports import FaceReader
from tests.api.calls import enroll, error_of
from tests.api.conftest import StartApp, settings_for
from tests.keys import MadeKey, make_key
from tests.live_app import LiveApp
from tests.packs import picture

LIST = "/api/face/list/all"
OPEN = {"/api/health", "/metrics"}


@pytest.fixture
def kiosk() -> MadeKey:
    return make_key("gate", Role.KIOSK)


@pytest.fixture
def admin() -> MadeKey:
    return make_key("office", Role.ADMIN)


@pytest.fixture
def api(start_app: StartApp, kiosk: MadeKey, admin: MadeKey) -> httpx.Client:
    """A server with one key of each role."""
    return start_app(api_keys=f"{kiosk.entry}, {admin.entry}")


def test_without_keys_the_server_is_open(start_app: StartApp) -> None:
    assert start_app().get(LIST).status_code == 200


def test_a_request_needs_a_key_in_either_header(api: httpx.Client, admin: MadeKey) -> None:
    refused = api.get(LIST)
    assert error_of(refused, 401) == "UNAUTHORIZED"
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert api.get(LIST, headers={"X-API-Key": admin.key}).status_code == 200
    assert api.get(LIST, headers={"Authorization": f"Bearer {admin.key}"}).status_code == 200
    assert api.get(LIST, headers={"Authorization": f"bearer  {admin.key}"}).status_code == 200


@pytest.mark.parametrize("wrong", ["x", "rollcall_", "é", "a" * 10_000])
def test_a_wrong_key_is_refused(api: httpx.Client, wrong: str) -> None:
    for header, value in ((b"X-API-Key", wrong), (b"Authorization", f"Bearer {wrong}")):
        answer = api.get(LIST, headers=[(header, value.encode())])
        assert error_of(answer, 403) == "FORBIDDEN"
        assert "required_role" not in answer.json()["details"]


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "abc"])
def test_an_authorization_of_another_kind_is_no_key(api: httpx.Client, header: str) -> None:
    assert error_of(api.get(LIST, headers={"Authorization": header}), 401) == "UNAUTHORIZED"


def test_the_hash_in_the_setting_is_no_key(api: httpx.Client, admin: MadeKey) -> None:
    for value in (admin.entry, admin.entry.split(":")[2]):
        assert error_of(api.get(LIST, headers={"X-API-Key": value}), 403) == "FORBIDDEN"


def test_a_kiosk_recognises_and_does_nothing_else(api: httpx.Client, kiosk: MadeKey, admin: MadeKey) -> None:
    api.headers["X-API-Key"] = admin.key
    enroll(api, "S001", 1)
    api.headers["X-API-Key"] = kiosk.key
    image = {"image": picture(1)}
    for path, fields in (
        ("/api/face/recognize", {}),
        ("/api/face/recognize-all", {}),
        ("/api/face/quality-check", {}),
        ("/api/face/verify", {"person_type": "student", "person_code": "S001"}),
        ("/api/attendance/scan", {"session_id": "1"}),
    ):
        assert api.post(path, files=image, data=fields).status_code == 200, path
    refused = api.post("/api/face/detect", files=image)
    assert error_of(refused, 403) == "FORBIDDEN"
    assert refused.json()["details"]["required_role"] == "admin"


def test_every_route_but_those_of_kiosks_needs_an_admin(api: httpx.Client, kiosk: MadeKey) -> None:
    walked = 0
    for path, operations in api.get("/openapi.json").json()["paths"].items():
        for name, operation in operations.items():
            if path in OPEN:
                assert "security" not in operation
                continue
            method, url = name.upper(), re.sub(r"{\w+}", "1", path)
            assert error_of(api.request(method, url), 401) == "UNAUTHORIZED", path
            answer = api.request(method, url, headers=kiosk.headers)
            if (method, path) in KIOSK_MAY:
                # It went on to the body, which is missing.
                assert error_of(answer, 422) == "VALIDATION_ERROR", path
                assert operation["x-required-role"] == "kiosk"
            else:
                assert error_of(answer, 403) == "FORBIDDEN", path
                assert answer.json()["details"]["required_role"] == "admin"
                assert operation["x-required-role"] == "admin"
            walked += 1
    assert walked >= 18


def test_no_route_is_left_out_of_that_walk(model_dir: Path, tmp_path: Path) -> None:
    """Whatever is served without being documented is one of these."""
    app = create_app(settings_for(model_dir, tmp_path), lambda _app: None)  # type: ignore[arg-type, return-value]
    documented = set(app.openapi()["paths"])
    paths = {getattr(route, "path", None) for route in app.routes} - {None}
    known = {"/metrics", "/docs", "/openapi.json", "/static-offline-docs", "/{path:path}"}
    known |= {"/", "/console", "/console/{path:path}"}
    assert paths - documented <= known


@pytest.mark.parametrize("path", ["/api/health", "/metrics", "/docs", "/openapi.json"])
def test_health_metrics_and_docs_need_no_key(api: httpx.Client, path: str) -> None:
    assert api.get(path).status_code == 200


def test_two_keys_stand_side_by_side_until_the_old_one_is_taken_away(start_app: StartApp) -> None:
    old, new = make_key("gate"), make_key("gate-2")
    both, later = start_app(api_keys=f"{old.entry},{new.entry}"), start_app(api_keys=new.entry)
    assert [both.get(LIST, headers=key.headers).status_code for key in (old, new)] == [200, 200]
    assert [later.get(LIST, headers=key.headers).status_code for key in (old, new)] == [403, 200]


def test_an_open_server_says_so_once_at_its_start(
    model_dir: Path, reader: FaceReader, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "rollcall.api"):
        with LiveApp(settings_for(model_dir, tmp_path), reader) as open_api:
            open_api.get(LIST)
        warnings = [record for record in caplog.records if "API_KEYS" in record.getMessage()]
        assert [record.levelname for record in warnings] == ["WARNING"]
        caplog.clear()
        with LiveApp(settings_for(model_dir, tmp_path, api_keys=make_key().entry), reader):
            pass
        assert not [record for record in caplog.records if "API_KEYS" in record.getMessage()]


def test_how_long_a_key_takes_does_not_depend_on_its_place() -> None:
    """Each key is compared with every digest: a thousand keys are as slow for the first as for the last."""
    from fastapi import Request

    from rollcall.core.api_keys import parse_api_keys

    made = [make_key(f"key-{number}") for number in range(1000)]
    check = KeyCheck(parse_api_keys(",".join(key.entry for key in made)))

    def seconds(key: MadeKey) -> float:
        header = [(b"x-api-key", key.key.encode())]
        took = []
        for _ in range(20):
            began = time.perf_counter()
            assert check.caller(Request({"type": "http", "headers": header})) is not None
            took.append(time.perf_counter() - began)
        return min(took)

    # One that stopped at the first would take a thousandth.
    assert seconds(made[0]) > seconds(made[-1]) / 10
