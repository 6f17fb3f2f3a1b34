"""How much memory a server's processes take together, at the most."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

_MB = 1_000_000
_PAUSE_SECONDS = 0.5  # each look costs a server some milliseconds
_LOG_SECONDS = 3.0


def used_mb(processes: Sequence[psutil.Process]) -> float:
    """The sum of the proportional set sizes: what several processes share counts once."""
    return sum(_proportional(process) for process in processes) / _MB


def _proportional(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0


class _Watch(ABC):
    """Watches a server's processes in a thread of its own, while its `with` block runs."""

    def __init__(self, processes: Callable[[], Sequence[psutil.Process]]) -> None:
        self._processes = processes
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    @abstractmethod
    def _watch(self) -> None:
        """Look again and again until `_over` is set."""

    def _used_mb(self) -> float:
        return used_mb(self._processes())


class PeakMemory(_Watch):
    """`with PeakMemory(server.processes) as peak: ...; peak.mb` — looks twice a second."""

    mb = 0.0

    def _watch(self) -> None:
        while True:
            self.mb = max(self.mb, self._used_mb())
            if self._over.wait(_PAUSE_SECONDS):
                return


class MemoryLog(_Watch):
    """`with MemoryLog(server.processes) as memory: ...; memory.mb` — every few seconds, at least once."""

    def __init__(self, processes: Callable[[], Sequence[psutil.Process]]) -> None:
        super().__init__(processes)
        self.mb: list[float] = []

    def _watch(self) -> None:
        while not self._over.wait(_LOG_SECONDS):
            self.mb.append(self._used_mb())
        self.mb.append(self._used_mb())


class Growth:
    """How far processes grow beyond what they are now, however shortly, as the kernel counts it."""

    def __init__(self, processes: Sequence[psutil.Process]) -> None:
        self._before = {process.pid: process.memory_info().rss for process in processes}
        for pid in self._before:
            # proc(5): the peak resident set size begins anew.
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def mb(self) -> float:
        return sum(max(0, _peak(pid) - before) for pid, before in self._before.items()) / _MB


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
