import logging
import threading
from pathlib import Path

import pytest

from rollcall.modelstore.download import Limits
from tests.pack_server import ARCHIVE, Answer, PackServer, pack_for
from tests.servers import free_port
from tests.unit.rollcall.modelstore.downloads import GOOD, failure, failure_on_the_way


def test_an_archive_that_is_nowhere_is_said_to_be_missing(model_dir: Path) -> None:
    with PackServer({}) as server:
        releases = (f"{server.url}/model-zoo", f"{server.url}/v0.7")
        message = failure(pack_for(ARCHIVE, releases=releases), model_dir)

    assert message == f"tiny cannot be downloaded: {server.host} answers with HTTP status 404."


def test_an_archive_with_other_bytes_is_refused(model_dir: Path) -> None:
    with PackServer(GOOD) as server:
        message = failure(pack_for(b"other"), model_dir, server.url)

    assert "SHA-256 differs" in message


def test_a_refused_connection_is_reported(model_dir: Path) -> None:
    port = free_port()

    message = failure(pack_for(ARCHIVE), model_dir, f"http://127.0.0.1:{port}")

    assert message == f"tiny cannot be downloaded: 127.0.0.1:{port} cannot be reached."


def test_a_host_without_an_address_is_reported(model_dir: Path) -> None:
    assert "no-such-host.invalid cannot be reached" in failure(
        pack_for(ARCHIVE), model_dir, "http://no-such-host.invalid"
    )


def test_every_address_that_failed_is_named(model_dir: Path) -> None:
    port = free_port()
    with PackServer({}) as server:
        releases = (f"http://127.0.0.1:{port}", server.url)
        message = failure(pack_for(ARCHIVE, releases=releases), model_dir)

    assert f"127.0.0.1:{port} cannot be reached; {server.host} answers" in message


def test_a_connection_that_breaks_midway_is_reported(model_dir: Path) -> None:
    with PackServer({"/tiny.zip": Answer(body=ARCHIVE, before_rest=lambda: False)}) as server:
        message = failure_on_the_way(pack_for(ARCHIVE), model_dir, server.url)

    assert "broke the connection off" in message


def test_a_server_that_falls_silent_is_given_up(model_dir: Path) -> None:
    given_up = threading.Event()
    with PackServer({"/tiny.zip": Answer(body=ARCHIVE, before_rest=lambda: given_up.wait(30))}) as server:
        message = failure_on_the_way(
            pack_for(ARCHIVE), model_dir, server.url, Limits(read_seconds=0.2, retry_pauses_seconds=())
        )
        given_up.set()

    assert "stopped answering" in message


def test_a_download_that_takes_too_long_is_given_up(model_dir: Path) -> None:
    given_up = threading.Event()
    with PackServer({"/tiny.zip": Answer(body=ARCHIVE, before_rest=lambda: given_up.wait(30))}) as server:
        message = failure_on_the_way(pack_for(ARCHIVE), model_dir, server.url, Limits(total_seconds=0.3))
        given_up.set()

    assert "took longer than" in message


def test_a_file_larger_than_any_pack_is_not_read_to_its_end(model_dir: Path) -> None:
    with PackServer(GOOD) as server:
        message = failure(pack_for(ARCHIVE), model_dir, server.url, Limits(max_archive_bytes=1000))

    assert "larger than 1000 bytes" in message


def test_a_server_without_tls_is_reported(model_dir: Path) -> None:
    with PackServer(GOOD) as server:
        message = failure(pack_for(ARCHIVE), model_dir, f"https://{server.host}")

    assert f"no trusted TLS connection to {server.host}" in message


def test_redirects_in_a_circle_are_reported(model_dir: Path) -> None:
    with PackServer({"/tiny.zip": Answer(status=302, headers={"Location": "/tiny.zip"})}) as server:
        message = failure(pack_for(ARCHIVE), model_dir, server.url)

    assert "redirects without end" in message


def test_the_host_behind_a_redirect_is_the_one_that_is_named(model_dir: Path) -> None:
    port = free_port()
    moved = Answer(status=302, headers={"Location": f"http://127.0.0.1:{port}/asset"})
    with PackServer({"/tiny.zip": moved}) as server:
        message = failure(pack_for(ARCHIVE), model_dir, server.url)

    assert f"127.0.0.1:{port} cannot be reached" in message


@pytest.mark.parametrize(
    "target", ["ftp://elsewhere/tiny.zip", "http://", "http://a b/", "http://127.0.0.1:99999/"]
)
def test_a_redirect_to_nowhere_is_reported(model_dir: Path, target: str) -> None:
    with PackServer({"/tiny.zip": Answer(status=302, headers={"Location": target})}) as server:
        message = failure(pack_for(ARCHIVE), model_dir, server.url)

    assert message.startswith("tiny cannot be downloaded: ")


@pytest.mark.parametrize(
    "mirror",
    ["", "mirror", "ftp://mirror", "file:///models", "http://", "http://[::1", "http://m:port"],
)
def test_a_mirror_that_is_no_address_is_reported(model_dir: Path, mirror: str) -> None:
    message = failure(pack_for(ARCHIVE), model_dir, mirror)

    assert message == "MODEL_MIRROR_URL is not a usable http:// or https:// address."


@pytest.mark.parametrize("mirror", ["http://a..b", "http://127.0.0.1:99999", f"http://{'a' * 64}"])
def test_a_mirror_whose_address_cannot_exist_is_reported(model_dir: Path, mirror: str) -> None:
    assert failure(pack_for(ARCHIVE), model_dir, mirror)


@pytest.mark.parametrize(
    "answer",
    [Answer(status=403), Answer(body=b"other"), None],
    ids=["refused", "other bytes", "nobody there"],
)
def test_no_secret_of_a_mirror_is_shown(
    model_dir: Path, caplog: pytest.LogCaptureFixture, answer: Answer | None
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = {} if answer is None else {"/tiny.zip?token=hush": answer}
    with PackServer(answers) as server:
        message = failure(pack_for(ARCHIVE), model_dir, f"http://user:hush@{server.host}?token=hush")

    assert server.host in message
    assert "hush" not in message + caplog.text
    assert "user" not in message
