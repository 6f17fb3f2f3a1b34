"""People in front of a camera go first: how background work keeps out of their way.

A lone request takes all cores, and about twice as long when it must share them with a picture of the
background. So nearly all requests must find the machine free: the background reads while nobody will ask, or
so rarely that hardly anybody meets it.
"""

import asyncio
import threading
import time
from collections import deque
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
# The next gap between people is shorter than the shortest of so many with a chance of 1 in 31.
GAPS: Final = 30
# While people ask, one picture at a time, and so many times its duration between two: fewer than 1 in 20 lone
# requests meet one.
LONE_REST: Final = 40.0
# From so many requests at a time on, each waits for others anyway, and one more picture is hardly noticed.
CROWD: Final = 4
CROWD_REST: Final = 4.0
# However slow the machine is, the background goes on.
LONGEST_REST_SECONDS: Final = 30.0
# How long a picture takes, until one has been measured.
FIRST_GUESS_SECONDS: Final = 0.05
# The longest picture of late counts; each after it counts for less.
_FORGET: Final = 0.95
_LOOK_SECONDS: Final = 0.02


class AttendedReader:
    """Implements core.ports.FaceReader for people, and knows when they ask."""

    def __init__(
        self,
        faces: FaceReader,
        *,
        quiet_seconds: float = QUIET_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`quiet_seconds`: how long nobody must have asked. `clock` gives seconds."""
        self.clock = clock
        self._faces = faces
        self._quiet_seconds = quiet_seconds
        self._reading = 0
        self._last = clock() - quiet_seconds
        self._gaps = deque[float](maxlen=GAPS)

    @property
    def reading(self) -> int:
        """How many pictures are being read for people."""
        return self._reading

    @property
    def quiet(self) -> bool:
        """Whether nobody has asked for a while."""
        return not self._reading and self.clock() - self._last >= self._quiet_seconds

    @property
    def room_seconds(self) -> float:
        """For how long nobody is likely to ask: until this gap is as long as the shortest of late."""
        if self._reading or len(self._gaps) < GAPS:
            return 0.0
        return min(self._gaps) - (self.clock() - self._last)

    async def read(self, request: ReadRequest) -> Reading:
        if not self._reading:
            self._gaps.append(self.clock() - self._last)
        self._reading += 1
        try:
            return await self._faces.read(request)
        finally:
            self._reading -= 1
            self._last = self.clock()

    async def load(self, model: str) -> LoadedModel:
        return await self._faces.load(model)

    async def unload(self, model: str) -> None:
        await self._faces.unload(model)


class Pace:
    """How fast the background may read pictures, of all its kinds together."""

    def __init__(self, people: AttendedReader) -> None:
        self._people = people
        self._clock = people.clock
        self._places = asyncio.Semaphore(QUIET_WIDTH)
        self._queue = asyncio.Lock()
        self._inside = 0
        self._begun = 0
        self._ended = self._clock()
        self._took = self._longest = FIRST_GUESS_SECONDS

    def is_open(self) -> bool:
        """Whether a picture may be read now."""
        if self._people.quiet:
            return True
        if self._inside:
            return False
        if self._people.room_seconds >= self._longest:
            return True
        rest = CROWD_REST if self._people.reading >= CROWD else LONE_REST
        return self._clock() >= self._ended + min(rest * self._took, LONGEST_REST_SECONDS)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Around the reading of one picture; first come, first read."""
        async with self._places:
            async with self._queue:
                await self.wait()
                self._inside += 1
                self._begun += 1
            mine, alone, began = self._begun, self._inside == 1, self._clock()
            try:
                yield
            finally:
                self._inside -= 1
                self._ended = self._clock()
                # Among others it waits for them too, which says nothing about one alone.
                if alone and self._begun == mine:
                    self._took = self._ended - began
                    self._longest = max(self._took, _FORGET * self._longest)

    async def wait(self) -> None:
        """Until a picture may be read; for those who read one at a time."""
        while not self.is_open():
            await asyncio.sleep(_LOOK_SECONDS)

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
        """While people ask, rest for a while that this block's time gives."""
        took = time.monotonic() - self._block_began
        pause = 0.0 if self._people.quiet else min(CROWD_REST * took, LONGEST_REST_SECONDS)
        if self._stopped.wait(pause):
            raise _Stopped
        self._block_began = time.monotonic()

    def stop(self) -> None:
        """End the work at its next breath, or in this one."""
        self._stopped.set()
