"""Downloads by way of a proxy."""

import logging
from pathlib import Path

import pytest

from tests.pack_server import ARCHIVE, Answer, PackServer, pack_for
from tests.servers import free_port
from tests.unit.rollcall.modelstore.downloads import assert_installed, failure, fetch

MIRROR = "http://mirror.invalid"


def test_a_pack_comes_by_way_of_a_proxy_that_asks_for_a_password(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with PackServer({f"{MIRROR}/tiny.zip": Answer(body=ARCHIVE)}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://user:hush@{proxy.host}")
        fetch(pack_for(ARCHIVE), model_dir, MIRROR)

    [(_, headers)] = proxy.requests
    assert headers["Proxy-Authorization"] == "Basic dXNlcjpodXNo"
    assert_installed(model_dir)
    assert "hush" not in caplog.text
    assert "dXNlcjpodXNo" not in caplog.text


def test_what_need_not_go_by_way_of_the_proxy_does_not(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with PackServer({"/tiny.zip": Answer(body=ARCHIVE)}) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert_installed(model_dir)


def test_a_host_that_is_reached_without_the_proxy_is_reported_so(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("NO_PROXY", "mirror.invalid")

    message = failure(pack_for(ARCHIVE), model_dir, MIRROR)

    assert message == "tiny cannot be downloaded: mirror.invalid cannot be reached."


def test_a_proxy_that_refuses_the_password_is_reported_without_it(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with PackServer({f"{MIRROR}/tiny.zip": Answer(status=407)}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://user:hush@{proxy.host}")
        message = failure(pack_for(ARCHIVE), model_dir, MIRROR)

    assert message == (
        "tiny cannot be downloaded: the proxy on the way to mirror.invalid wants another user and password."
    )
    assert "hush" not in caplog.text


def test_a_proxy_that_is_not_there_is_reported_without_its_password(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HTTP_PROXY", f"http://user:hush@127.0.0.1:{free_port()}")

    message = failure(pack_for(ARCHIVE), model_dir, MIRROR)

    assert message == "tiny cannot be downloaded: mirror.invalid cannot be reached by way of the proxy."
    assert "hush" not in caplog.text


def test_wrong_proxy_settings_are_reported_without_their_password(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://user:hush@proxy")

    message = failure(pack_for(ARCHIVE), model_dir, "http://127.0.0.1:9")

    assert "proxy" in message
    assert "hush" not in message
