"""People in front of a camera go first: how background work keeps out of their way."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from rollcall.core.faces import Reading, ReadRequest
from rollcall.core.models import LoadedModel
from rollcall.core.ports import FaceReader

T = TypeVar("T")

# Nobody asked for so long: the machine is the background's.
QUIET_SECONDS: Final = 10.0
# Pictures in flight when nobody else asks: enough that no stream of the runner waits for the next batch.
QUIET_WIDTH: Final = 16
# While people ask, one picture at a time, and so many times its duration between two.
BUSY_PAUSE: Final = 4.0
LONGEST_PAUSE_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.02


class AttendedReader:
    """Implements core.ports.FaceReader for people, and knows when they last asked."""

    def __init__(self, faces: FaceReader, quiet_seconds: float = QUIET_SECONDS) -> None:
        """`quiet_seconds`: how long nobody must have asked."""
        self._faces = faces
        self._quiet_seconds = quiet_seconds
        self._reading = 0
        self._last = -quiet_seconds

    @property
    def quiet(self) -> bool:
        """Whether nobody has asked for a while."""
        return not self._reading and time.monotonic() - self._last >= self._quiet_seconds

    async def read(self, request: ReadRequest) -> Reading:
        self._reading += 1
        try:
            return await self._faces.read(request)
        finally:
            self._reading -= 1
            self._last = time.monotonic()

    async def load(self, model: str) -> LoadedModel:
        return await self._faces.load(model)

    async def unload(self, model: str) -> None:
        await self._faces.unload(model)


class Pace:
    """How fast the background may read pictures, of all its kinds together."""

    def __init__(self, people: AttendedReader) -> None:
        self._people = people
        self._places = asyncio.Semaphore(QUIET_WIDTH)
        self._inside = 0
        self._not_before = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Around the reading of one picture."""
        async with self._places:
            await self.wait()
            self._inside += 1
            began = time.monotonic()
            try:
                yield
            finally:
                self._inside -= 1
                ended = time.monotonic()
                self._not_before = ended + min(BUSY_PAUSE * (ended - began), LONGEST_PAUSE_SECONDS)

    async def wait(self) -> None:
        """Until a picture may be read; for those who read one at a time."""
        while not self._may_begin():
            await asyncio.sleep(_LOOK_SECONDS)

    def _may_begin(self) -> bool:
        if self._people.quiet:
            return True
        return not self._inside and time.monotonic() >= self._not_before

    async def in_thread(self, work: Callable[[Callable[[], None]], T]) -> T:
        """Do work that takes long in a thread of its own; it must call what it is given between its blocks.

        When this is cancelled the work ends with its block.
        """
        breath = _Breath(self._people)
        # Not one of asyncio's, which answer people.
        threads = ThreadPoolExecutor(1, thread_name_prefix="background")
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, work, breath.take)
        finally:
            breath.stop()
            threads.shutdown(wait=False)


class _Stopped(Exception):
    """The work in a thread is not wanted any more."""


class _Breath:
    """Between two blocks of work in a thread."""

    def __init__(self, people: AttendedReader) -> None:
        self._people = people
        self._stopped = threading.Event()
        self._block_began = time.monotonic()

    def take(self) -> None:
        """While people ask, pause as after a picture that took as long as this block."""
        took = time.monotonic() - self._block_began
        pause = 0.0 if self._people.quiet else min(BUSY_PAUSE * took, LONGEST_PAUSE_SECONDS)
        if self._stopped.wait(pause):
            raise _Stopped
        self._block_began = time.monotonic()

    def stop(self) -> None:
        """End the work at its next breath, or in this one."""
        self._stopped.set()
