"""The server's processes: BentoML's supervisor, the API and the runner."""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

_RUNNER: Final = "FaceRunner"
_LIVE_GAUGES: Final = re.compile(r"gauge_live[a-z]*_(\d+)\.db")


class Family:
    """This process, which is the API, and where BentoML started it the others too."""

    def __init__(self) -> None:
        self._api = psutil.Process()
        self._runner: psutil.Process | None = None

    def memory(self) -> Mapping[str, int]:
        """Bytes by process, as `held_bytes`; those that do not run, or not beside this one, are left out."""
        found = {"api": held_bytes(self._api)}
        runner = self._find_runner()
        with suppress(psutil.Error):
            if runner is not None and (parent := self._api.parent()) is not None:
                found["supervisor"] = held_bytes(parent)
                found["runner"] = held_bytes(runner)
        # One that has ended and was not collected yet has none.
        return {name: held for name, held in found.items() if held}

    def _find_runner(self) -> psutil.Process | None:
        """The runner now; looked for only where the former one is gone, for that reads all processes."""
        if self._runner is None or not self._runner.is_running():
            self._runner = self._look_for_runner()
        return self._runner

    def _look_for_runner(self) -> psutil.Process | None:
        parent = self._api.parent()
        for sibling in parent.children() if parent else ():
            with suppress(psutil.Error):
                if _RUNNER in sibling.cmdline():
                    return sibling
        return None


def held_bytes(process: psutil.Process) -> int:
    """The proportional set size, in which what processes share counts once; where the system keeps that to
    itself, the resident bytes."""
    try:
        return int(process.memory_full_info().pss)
    except (psutil.AccessDenied, AttributeError):  # without /proc/PID/smaps there is no such number
        return int(process.memory_info().rss)


def forget_the_dead(folder: Path) -> None:
    """Remove what processes that are gone said of their present state; what they counted stays."""
    for file in folder.glob("gauge_live*.db"):
        name = _LIVE_GAUGES.fullmatch(file.name)
        if name is not None and not _is_ours(int(name[1])):
            file.unlink(missing_ok=True)


def _is_ours(pid: int) -> bool:
    """Whether it is this process, or another one that the same supervisor started."""
    if pid == os.getpid():
        return True
    try:
        return psutil.Process(pid).ppid() == os.getppid()
    except psutil.Error:
        return False
