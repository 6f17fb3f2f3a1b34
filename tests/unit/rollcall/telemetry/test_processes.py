"""How much memory a server's processes hold."""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

import psutil
import pytest

from rollcall.telemetry.processes import held_bytes

SHARED_BYTES = 64 << 20


class Unreadable(psutil.Process):
    """One whose pages the system does not tell of."""

    def memory_full_info(self) -> Any:
        raise psutil.AccessDenied(self.pid)


@contextmanager
def twin_sharing(pages: mmap.mmap) -> Iterator[psutil.Process]:
    """A process that has read the same pages."""
    read, write = os.pipe()
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        sum(pages[:: mmap.PAGESIZE])
        os.write(tell, b"!")
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    try:
        os.read(ready, 1)
        yield psutil.Process(pid)
    finally:
        os.close(write)
        os.waitpid(pid, 0)
        for descriptor in (read, ready, tell):
            os.close(descriptor)


def growth_by_a_twin() -> int:
    """How many bytes more two processes hold than one of them alone, which shares its pages."""
    with mmap.mmap(-1, SHARED_BYTES) as pages:
        pages[:] = b"x" * SHARED_BYTES
        alone = held_bytes(psutil.Process())
        with twin_sharing(pages) as twin:
            return held_bytes(psutil.Process()) + held_bytes(twin) - alone


def test_what_two_processes_share_counts_once() -> None:
    # In a process of its own: this one has gigabytes of other tests, which a fork would begin to copy.
    with get_context("spawn").Pool(1) as pool:
        assert pool.apply(growth_by_a_twin) < SHARED_BYTES / 2


def test_where_the_system_does_not_tell_it_is_resident_memory() -> None:
    assert held_bytes(Unreadable()) == pytest.approx(psutil.Process().memory_info().rss, rel=0.1)
