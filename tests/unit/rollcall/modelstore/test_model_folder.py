import asyncio
import errno
import os
import re
import resource
import threading
import time
from pathlib import Path

import pytest

from rollcall.modelstore.download import DownloadFailed, Limits, download
from rollcall.modelstore.model_folder import disk_problem, packs_in
from tests.pack_server import ARCHIVE, DETECTOR, RECOGNISER, Answer, PackServer, pack_for, sha256
from tests.unit.rollcall.modelstore.downloads import (
    GOOD,
    assert_installed,
    failure,
    fetch,
    files_in,
)


@pytest.mark.parametrize("times", [1, 3])
def test_a_cancelled_download_leaves_what_has_come_and_no_pack(model_dir: Path, times: int) -> None:
    under_way, cancelled = threading.Event(), threading.Event()

    def wait() -> bool:
        under_way.set()
        return cancelled.wait(30)

    async def cancel(mirror: str) -> None:
        task = asyncio.create_task(download(pack_for(ARCHIVE), model_dir=model_dir, mirror=mirror))
        await asyncio.to_thread(under_way.wait, 30)
        while not (model_dir / ".tiny.partial" / "archive").exists():
            await asyncio.sleep(0.01)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task

    with PackServer({"/tiny.zip": Answer(body=ARCHIVE, before_rest=wait)}) as server:
        asyncio.run(cancel(server.url))
        cancelled.set()

    assert {path.name for path in model_dir.iterdir()} <= {".tiny.partial"}


@pytest.mark.parametrize("after_ms", range(0, 60, 4))
def test_a_download_cancelled_at_any_moment_leaves_all_or_no_pack(model_dir: Path, after_ms: int) -> None:
    async def cancel(mirror: str) -> None:
        task = asyncio.create_task(download(pack_for(ARCHIVE), model_dir=model_dir, mirror=mirror))
        await asyncio.wait({task}, timeout=after_ms / 1000)
        task.cancel()
        await asyncio.wait({task})

    with PackServer(GOOD) as server:
        asyncio.run(cancel(server.url))
        if (model_dir / "tiny").exists():
            assert (model_dir / "tiny" / "det.onnx").read_bytes() == DETECTOR
            assert (model_dir / "tiny" / "rec.onnx").read_bytes() == RECOGNISER
        else:
            fetch(pack_for(ARCHIVE), model_dir, server.url)
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


def test_more_than_the_disk_holds_is_refused_before_it_comes(model_dir: Path) -> None:
    huge = 10**17
    answers = {"/tiny.zip": Answer(body=ARCHIVE, length=huge)}
    with PackServer(answers) as server:
        message = failure(pack_for(ARCHIVE), model_dir, server.url, Limits(max_archive_bytes=huge))

    assert re.fullmatch(
        r"The disk of MODEL_DIR has too little room: 200000000000 MB are needed, \d+ MB are free\.", message
    )


def test_a_disk_that_gets_full_meanwhile_is_reported_and_what_came_is_removed(model_dir: Path) -> None:
    (model_dir / "mine").mkdir(parents=True)
    (model_dir / "mine" / "det.onnx").write_bytes(b"mine")
    (model_dir / ".tiny.partial").mkdir()
    (model_dir / ".tiny.partial" / "archive").symlink_to("/dev/full")

    with (
        PackServer(GOOD) as server,
        pytest.raises(DownloadFailed, match=r"^The disk of MODEL_DIR is full\.$"),
    ):
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert files_in(model_dir) == {"mine": b"", "mine/det.onnx": b"mine"}


@pytest.mark.parametrize("held_bytes", [1000, 10**6])
def test_a_file_that_the_disk_does_not_hold_leaves_nothing(model_dir: Path, held_bytes: int) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with PackServer(GOOD) as server:
        resource.setrlimit(resource.RLIMIT_FSIZE, (held_bytes, before[1]))
        try:
            message = failure(pack_for(ARCHIVE), model_dir, server.url)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert message == "MODEL_DIR cannot be used: File too large."


def test_the_packs_of_a_folder_are_listed_by_name(model_dir: Path) -> None:
    for folder in ("b", "a", "c/c", ".hidden", "-odd", "one"):
        (model_dir / folder).mkdir(parents=True)
        for file in ("det.onnx", "rec.onnx"):
            (model_dir / folder / file).write_bytes(b"")
    (model_dir / "one" / "rec.onnx").unlink()
    (model_dir / "file").write_bytes(b"")

    assert packs_in(model_dir) == ["a", "b", "c"]
    assert packs_in(model_dir / "nowhere") == []
