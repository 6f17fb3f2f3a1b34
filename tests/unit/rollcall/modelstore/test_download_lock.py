"""One process downloads a pack, the others wait; where one is killed, the next one goes on."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from rollcall.modelstore.download import DownloadFailed, Limits, download
from rollcall.modelstore.lock import FileLock
from rollcall.modelstore.model_folder import lock_of
from tests.pack_server import ARCHIVE, PackServer, in_turn, pack_for, ranged
from tests.servers import ROOT, wait_for
from tests.unit.rollcall.modelstore.downloads import GOOD, assert_installed, fetch, files_in

PROGRAM = """
import asyncio, logging, sys
from pathlib import Path
from rollcall.modelstore.download import download
from tests.pack_server import ARCHIVE, pack_for
logging.basicConfig(level=logging.INFO)
asyncio.run(download(pack_for(ARCHIVE), model_dir=Path(sys.argv[1]), mirror=sys.argv[2]))
"""


@contextmanager
def downloading(model_dir: Path, mirror: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that downloads the pack."""
    command = [sys.executable, "-c", PROGRAM, str(model_dir), mirror]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def says(process: subprocess.Popen[str], text: str) -> bool:
    """Wait for a line with this text; False if the process ended without."""
    assert process.stderr is not None
    return any(text in line for line in process.stderr)


def test_two_downloads_at_once_ask_the_server_once(model_dir: Path) -> None:
    async def twice(mirror: str) -> None:
        one = download(pack_for(ARCHIVE), model_dir=model_dir, mirror=mirror)
        other = download(pack_for(ARCHIVE), model_dir=model_dir, mirror=mirror)
        await asyncio.gather(one, other)

    with PackServer(GOOD) as server:
        asyncio.run(twice(server.url))

    assert server.paths == ["/tiny.zip"]
    assert_installed(model_dir)


def test_a_process_that_is_killed_lets_one_that_waits_go_on(model_dir: Path) -> None:
    killed = threading.Event()
    archive = model_dir / ".tiny.partial" / "archive"

    def stall() -> bool:
        killed.wait(60)
        return False

    answer = in_turn(ranged(ARCHIVE, before_rest=stall), ranged(ARCHIVE))
    with PackServer({"/tiny.zip": answer}) as server, downloading(model_dir, server.url) as first:
        wait_for(lambda: archive.exists() and archive.stat().st_size > 0, "the first bytes")
        with downloading(model_dir, server.url) as second:
            assert says(second, "Waiting for the process that holds .tiny.lock.")
            assert len(server.requests) == 1
            first.kill()
            begun = first.wait(60) and archive.stat().st_size
            killed.set()
            assert says(second, "Model pack tiny is downloaded.")
            assert second.wait(60) == 0

    assert server.ranges == [None, f"bytes={begun}-"]
    assert_installed(model_dir)


def test_who_waits_for_another_download_can_be_cancelled(model_dir: Path) -> None:
    model_dir.mkdir()
    lock = FileLock(lock_of(model_dir, "tiny"))
    assert lock.take()

    async def cancel(mirror: str) -> None:
        task = asyncio.create_task(download(pack_for(ARCHIVE), model_dir=model_dir, mirror=mirror))
        done, _ = await asyncio.wait({task}, timeout=0.3)
        assert not done
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with PackServer(GOOD) as server:
        asyncio.run(cancel(server.url))
        assert server.requests == []
        lock.release()
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert_installed(model_dir)


def test_who_waits_too_long_for_another_download_gives_up(model_dir: Path) -> None:
    model_dir.mkdir()
    lock = FileLock(lock_of(model_dir, "tiny"))
    assert lock.take()

    with pytest.raises(DownloadFailed, match="took longer than"):
        fetch(pack_for(ARCHIVE), model_dir, "http://127.0.0.1:9", Limits(total_seconds=0.3))

    lock.release()
    assert files_in(model_dir) == {}


def test_a_lock_is_held_by_one_until_it_is_released(tmp_path: Path) -> None:
    one, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")

    assert one.take()
    assert not other.take()
    other.release()
    assert not other.take()
    one.release()
    assert other.take()
    other.release()
    assert list(tmp_path.iterdir()) == []


def test_never_two_hold_a_lock_though_each_removes_its_file(tmp_path: Path) -> None:
    holders: set[int] = set()
    together: set[int] = set()

    def work(number: int) -> None:
        lock = FileLock(tmp_path / "lock")
        for _ in range(200):
            if lock.take():
                holders.add(number)
                time.sleep(0.0005)
                together.update(holders - {number})
                holders.remove(number)
                lock.release()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))

    assert together == set()
