import asyncio
import errno
import logging
import os
import socket
import threading
import time
import zipfile
from pathlib import Path

import pytest

from rollcall.modelstore.catalog import Pack, present
from rollcall.modelstore.download import DEFAULT_LIMITS, DownloadFailed, Limits, disk_problem, download
from tests.pack_server import ARCHIVE, DETECTOR, RECOGNISER, Answer, PackServer, archive_of, pack_for, sha256

GOOD = {"/tiny.zip": Answer(body=ARCHIVE)}


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    return tmp_path / "models"


def fetch(pack: Pack, model_dir: Path, mirror: str | None = None, limits: Limits = DEFAULT_LIMITS) -> None:
    asyncio.run(download(pack, model_dir=model_dir, mirror=mirror, limits=limits))


def failure(pack: Pack, model_dir: Path, mirror: str | None = None, limits: Limits = DEFAULT_LIMITS) -> str:
    """Why the download failed; it must have left nothing behind."""
    with pytest.raises(DownloadFailed) as raised:
        fetch(pack, model_dir, mirror, limits)
    assert files_in(model_dir) == {}
    return str(raised.value)


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): b"" if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
    }


def assert_installed(model_dir: Path) -> None:
    """The two networks are there, and nothing else."""
    assert files_in(model_dir) == {"tiny": b"", "tiny/det.onnx": DETECTOR, "tiny/rec.onnx": RECOGNISER}


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


# What works


def test_a_download_leaves_the_two_networks_and_nothing_else(model_dir: Path) -> None:
    with PackServer(GOOD) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert_installed(model_dir)
    assert present(model_dir, "tiny")


def test_a_second_download_asks_for_nothing(model_dir: Path) -> None:
    with PackServer(GOOD) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert server.paths == ["/tiny.zip"]
    assert_installed(model_dir)


def test_a_pack_placed_by_hand_is_left_alone(model_dir: Path) -> None:
    (model_dir / "tiny").mkdir(parents=True)
    (model_dir / "tiny" / "a.onnx").write_bytes(b"a")
    (model_dir / "tiny" / "b.onnx").write_bytes(b"b")

    fetch(pack_for(ARCHIVE), model_dir, "http://127.0.0.1:9")

    assert files_in(model_dir) == {"tiny": b"", "tiny/a.onnx": b"a", "tiny/b.onnx": b"b"}


def test_a_download_works_after_one_that_failed(model_dir: Path) -> None:
    answers = {"/tiny.zip": Answer(body=ARCHIVE, before_rest=lambda: False)}
    with PackServer(answers) as server:
        failure(pack_for(ARCHIVE), model_dir, server.url)
        answers["/tiny.zip"] = Answer(body=ARCHIVE)
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert_installed(model_dir)


def test_an_empty_folder_is_filled(model_dir: Path) -> None:
    (model_dir / "tiny").mkdir(parents=True)

    with PackServer(GOOD) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert_installed(model_dir)


def test_an_archive_with_a_nested_folder_is_unpacked_flat(model_dir: Path) -> None:
    archive = archive_of({"tiny/": b"", "tiny/det.onnx": DETECTOR, "tiny/rec.onnx": RECOGNISER})

    with PackServer({"/tiny.zip": Answer(body=archive)}) as server:
        fetch(pack_for(archive), model_dir, server.url)

    assert_installed(model_dir)


def test_the_second_address_is_tried_when_the_first_has_no_such_file(model_dir: Path) -> None:
    with PackServer({"/v0.7/tiny.zip": Answer(body=ARCHIVE)}) as server:
        fetch(pack_for(ARCHIVE, releases=(f"{server.url}/model-zoo", f"{server.url}/v0.7")), model_dir)

    assert server.paths == ["/model-zoo/tiny.zip", "/v0.7/tiny.zip"]
    assert_installed(model_dir)


@pytest.mark.parametrize(
    "first",
    [
        Answer(status=500),
        Answer(body=b"<html>Please log in to this network</html>"),
        Answer(body=ARCHIVE, before_rest=lambda: False),
    ],
    ids=["broken", "wrong file", "cut short"],
)
def test_the_second_address_is_tried_when_the_first_fails(model_dir: Path, first: Answer) -> None:
    with PackServer({"/1/tiny.zip": first, "/2/tiny.zip": Answer(body=ARCHIVE)}) as server:
        fetch(pack_for(ARCHIVE, releases=(f"{server.url}/1", f"{server.url}/2")), model_dir)

    assert_installed(model_dir)


def test_a_mirror_takes_the_place_of_the_releases(model_dir: Path) -> None:
    with PackServer({"/packs/tiny.zip": Answer(body=ARCHIVE)}) as server:
        pack = pack_for(ARCHIVE, releases=(f"{server.url}/model-zoo",))
        fetch(pack, model_dir, f"{server.url}/packs/")

    assert server.paths == ["/packs/tiny.zip"]
    assert_installed(model_dir)


def test_redirects_to_another_server_are_followed(model_dir: Path) -> None:
    with PackServer({"/asset?signature=1": Answer(body=ARCHIVE)}) as storage:
        moved = Answer(status=302, headers={"Location": f"{storage.url}/asset?signature=1"})
        with PackServer({"/tiny.zip": moved}) as server:
            fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert_installed(model_dir)


def test_two_downloads_at_once_give_one_good_folder(model_dir: Path) -> None:
    both_are_under_way = threading.Barrier(2)
    answers = {"/tiny.zip": Answer(body=ARCHIVE, before_rest=lambda: both_are_under_way.wait(30) >= 0)}

    async def twice(mirror: str) -> None:
        one = download(pack_for(ARCHIVE), model_dir=model_dir, mirror=mirror)
        other = download(pack_for(ARCHIVE), model_dir=model_dir, mirror=mirror)
        await asyncio.gather(one, other)

    with PackServer(answers) as server:
        asyncio.run(twice(server.url))

    assert len(server.paths) == 2
    assert_installed(model_dir)


def test_a_mirror_may_ask_for_a_password_and_a_token(model_dir: Path) -> None:
    with PackServer({"/packs/tiny.zip?token=abc": Answer(body=ARCHIVE)}) as server:
        fetch(pack_for(ARCHIVE), model_dir, f"http://user:p%40ss@{server.host}/packs?token=abc")

    [(_, headers)] = server.requests
    assert headers["Authorization"] == "Basic dXNlcjpwQHNz"
    assert_installed(model_dir)


# What the network does wrong


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
    port = closed_port()

    message = failure(pack_for(ARCHIVE), model_dir, f"http://127.0.0.1:{port}")

    assert message == f"tiny cannot be downloaded: 127.0.0.1:{port} cannot be reached."


def test_a_host_without_an_address_is_reported(model_dir: Path) -> None:
    assert "no-such-host.invalid cannot be reached" in failure(
        pack_for(ARCHIVE), model_dir, "http://no-such-host.invalid"
    )


def test_every_address_that_failed_is_named(model_dir: Path) -> None:
    port = closed_port()
    with PackServer({}) as server:
        releases = (f"http://127.0.0.1:{port}", server.url)
        message = failure(pack_for(ARCHIVE, releases=releases), model_dir)

    assert f"127.0.0.1:{port} cannot be reached; {server.host} answers" in message


def test_a_connection_that_breaks_midway_is_reported(model_dir: Path) -> None:
    with PackServer({"/tiny.zip": Answer(body=ARCHIVE, before_rest=lambda: False)}) as server:
        message = failure(pack_for(ARCHIVE), model_dir, server.url)

    assert "broke the connection off" in message


def test_a_server_that_falls_silent_is_given_up(model_dir: Path) -> None:
    given_up = threading.Event()
    with PackServer({"/tiny.zip": Answer(body=ARCHIVE, before_rest=lambda: given_up.wait(30))}) as server:
        message = failure(pack_for(ARCHIVE), model_dir, server.url, Limits(read_seconds=0.2))
        given_up.set()

    assert "stopped answering" in message


def test_a_download_that_takes_too_long_is_given_up(model_dir: Path) -> None:
    given_up = threading.Event()
    with PackServer({"/tiny.zip": Answer(body=ARCHIVE, before_rest=lambda: given_up.wait(30))}) as server:
        message = failure(pack_for(ARCHIVE), model_dir, server.url, Limits(total_seconds=0.3))
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
    port = closed_port()
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


def test_wrong_proxy_settings_are_reported_without_their_password(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://user:hush@proxy")

    message = failure(pack_for(ARCHIVE), model_dir, "http://127.0.0.1:9")

    assert "proxy" in message
    assert "hush" not in message


@pytest.mark.parametrize("answer", [Answer(status=403), Answer(body=b"other"), None], ids=str)
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


# What is wrong with the archive


def test_a_file_that_is_no_archive_is_refused(model_dir: Path) -> None:
    with PackServer({"/tiny.zip": Answer(body=b"no archive")}) as server:
        message = failure(pack_for(b"no archive"), model_dir, server.url)

    assert message == "tiny.zip is damaged."


def test_a_damaged_member_is_refused(model_dir: Path) -> None:
    archive = ARCHIVE.replace(DETECTOR, DETECTOR.upper())
    with PackServer({"/tiny.zip": Answer(body=archive)}) as server:
        message = failure(pack_for(archive), model_dir, server.url)

    assert message == "tiny.zip is damaged."


@pytest.mark.parametrize("wrong", ["det.onnx", "rec.onnx"])
def test_a_network_with_other_bytes_is_refused(model_dir: Path, wrong: str) -> None:
    archive = archive_of({"det.onnx": DETECTOR, "rec.onnx": RECOGNISER} | {wrong: b"other"})
    with PackServer({"/tiny.zip": Answer(body=archive)}) as server:
        message = failure(pack_for(archive), model_dir, server.url)

    assert message == f"{wrong} in the archive is not the right file, its SHA-256 differs."


def test_an_archive_without_the_recogniser_is_refused(model_dir: Path) -> None:
    archive = archive_of({"det.onnx": DETECTOR, "rec.onnx/readme": b""})
    with PackServer({"/tiny.zip": Answer(body=archive)}) as server:
        message = failure(pack_for(archive), model_dir, server.url)

    assert message == "rec.onnx is not in the archive."


def test_a_network_that_unpacks_to_too_much_is_refused(model_dir: Path) -> None:
    archive = archive_of({"det.onnx": DETECTOR, "rec.onnx": RECOGNISER}, zipfile.ZIP_DEFLATED)
    with PackServer({"/tiny.zip": Answer(body=archive)}) as server:
        message = failure(pack_for(archive), model_dir, server.url, Limits(max_unpacked_bytes=2 * 10**6))

    assert message == "rec.onnx in the archive is larger than it may be."


def test_paths_in_the_archive_lead_nowhere(model_dir: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    archive = archive_of(
        {
            "../../../slipped.onnx": b"slipped",
            f"{outside}/slipped.onnx": b"slipped",
            "../../det.onnx": DETECTOR,
            f"{outside}/rec.onnx": RECOGNISER,
        }
    )

    with PackServer({"/tiny.zip": Answer(body=archive)}) as server:
        fetch(pack_for(archive), model_dir, server.url)

    assert_installed(model_dir)
    assert list(tmp_path.iterdir()) == [model_dir]


def test_the_uppermost_of_several_files_of_a_name_is_taken(model_dir: Path) -> None:
    archive = archive_of({"old/det.onnx": b"old", "det.onnx": DETECTOR, "rec.onnx": RECOGNISER})

    with PackServer({"/tiny.zip": Answer(body=archive)}) as server:
        fetch(pack_for(archive), model_dir, server.url)

    assert_installed(model_dir)


# What happens in MODEL_DIR


@pytest.mark.parametrize("times", [1, 3])
def test_a_cancelled_download_leaves_nothing(model_dir: Path, times: int) -> None:
    under_way, cancelled = threading.Event(), threading.Event()

    def wait() -> bool:
        under_way.set()
        return cancelled.wait(30)

    async def cancel(mirror: str) -> None:
        task = asyncio.create_task(download(pack_for(ARCHIVE), model_dir=model_dir, mirror=mirror))
        await asyncio.to_thread(under_way.wait, 30)
        assert files_in(model_dir)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task

    with PackServer({"/tiny.zip": Answer(body=ARCHIVE, before_rest=wait)}) as server:
        asyncio.run(cancel(server.url))
        cancelled.set()

    assert files_in(model_dir) == {}


@pytest.mark.parametrize("after_ms", range(0, 60, 4))
def test_a_download_cancelled_at_any_moment_leaves_all_or_nothing(model_dir: Path, after_ms: int) -> None:
    async def cancel(mirror: str) -> None:
        task = asyncio.create_task(download(pack_for(ARCHIVE), model_dir=model_dir, mirror=mirror))
        await asyncio.wait({task}, timeout=after_ms / 1000)
        task.cancel()
        await asyncio.wait({task})

    with PackServer(GOOD) as server:
        asyncio.run(cancel(server.url))

    if model_dir.exists() and files_in(model_dir):
        assert_installed(model_dir)


def test_what_a_killed_process_left_is_removed_after_a_day(model_dir: Path) -> None:
    stale, fresh = (model_dir / f".other.{sha256(name)[:32]}.partial" for name in (b"stale", b"fresh"))
    kept = model_dir / ".mine.partial"
    for folder in (stale, fresh, kept):
        folder.mkdir(parents=True)
        (folder / "archive").write_bytes(b"half")
    two_days_ago = time.time() - 2 * 24 * 3600
    for folder in (stale, kept):
        os.utime(folder, (two_days_ago, two_days_ago))

    with PackServer(GOOD) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert {path.name for path in model_dir.iterdir()} == {"tiny", fresh.name, kept.name}


def test_an_incomplete_folder_of_the_user_is_neither_changed_nor_downloaded_over(model_dir: Path) -> None:
    (model_dir / "tiny").mkdir(parents=True)
    (model_dir / "tiny" / "det.onnx").write_bytes(b"mine")

    with PackServer(GOOD) as server, pytest.raises(DownloadFailed, match="complete or remove it"):
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert server.paths == []
    assert files_in(model_dir) == {"tiny": b"", "tiny/det.onnx": b"mine"}


def test_a_folder_that_appears_meanwhile_is_not_overwritten(model_dir: Path) -> None:
    def place() -> bool:
        (model_dir / "tiny").mkdir()
        (model_dir / "tiny" / "notes.txt").write_bytes(b"mine")
        return True

    answers = {"/tiny.zip": Answer(body=ARCHIVE, before_rest=place)}
    with PackServer(answers) as server, pytest.raises(DownloadFailed, match="complete or remove it"):
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert files_in(model_dir) == {"tiny": b"", "tiny/notes.txt": b"mine"}


def test_a_model_dir_that_is_a_file_is_reported(model_dir: Path) -> None:
    model_dir.write_bytes(b"")

    with pytest.raises(DownloadFailed, match="MODEL_DIR cannot be used: File exists"):
        fetch(pack_for(ARCHIVE), model_dir, "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "The disk of MODEL_DIR is full."),
        (errno.EDQUOT, "The disk of MODEL_DIR is full."),
        (errno.EACCES, "MODEL_DIR cannot be written to."),
        (errno.EROFS, "MODEL_DIR cannot be written to."),
        (errno.EIO, "MODEL_DIR cannot be used: Input/output error."),
    ],
)
def test_a_problem_of_the_disk_is_put_plainly(number: int, message: str) -> None:
    assert disk_problem(OSError(number, os.strerror(number), "/home/someone/models")) == message
