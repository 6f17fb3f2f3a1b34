"""One download of a pack at a time, whichever process it runs in."""

import asyncio
import fcntl
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from rollcall.modelstore.threads import in_thread

_STEP_SECONDS: Final = 0.2

_log = logging.getLogger(__name__)


class FileLock:
    """A lock that all processes see which share the folder.

    It is flock's, because the system releases that when its holder dies, however it dies: a lock that is
    merely a file with a name would outlive a killed process, and no time could be named after which it may be
    broken. Two locks of one process exclude each other too, which fcntl's record locks do not.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Whether the lock could be had at once.

        Raises:
            OSError: the file cannot be made, or its file system has no locks.
        """
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(descriptor, self._file):
                self._descriptor, descriptor = descriptor, -1
        except BlockingIOError:
            pass
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        return self._descriptor is not None

    def release(self) -> None:
        """Let the next one in; nothing happens if the lock was not taken."""
        if self._descriptor is not None:
            # A file that cannot be removed may stay: it is only a place to lock.
            with suppress(OSError):
                self._file.unlink()
            os.close(self._descriptor)
            self._descriptor = None


def _is_at(descriptor: int, file: Path) -> bool:
    # Whoever held the lock removes the file, perhaps after we opened it: then others lock another one.
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False


@asynccontextmanager
async def alone(file: Path) -> AsyncIterator[None]:
    """Wait for the lock, in short steps that can be cancelled, and hold it during the block.

    Raises:
        OSError: as FileLock.take.
    """
    lock = FileLock(file)
    try:
        if not await in_thread(lock.take):
            _log.info("Waiting for the process that holds %s.", file.name)
            while not await in_thread(lock.take):
                await asyncio.sleep(_STEP_SECONDS)
        yield
    finally:
        lock.release()
