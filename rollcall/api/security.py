"""Who may ask, and how many at a time."""

import asyncio
import hmac
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from fastapi import Request

from rollcall.api.errors import HungUp
from rollcall.core.api_keys import ApiKey, digest_of
from rollcall.core.errors import Forbidden, Overloaded, Unauthorized
from rollcall.core.figures import Turns

logger = logging.getLogger("rollcall.api")

MAX_QUEUE_SECONDS: Final = 30.0
MAX_RETRY_SECONDS: Final = 30
# How long a request takes, until one has been seen, and how much each counts in the average of late.
_FIRST_GUESS_SECONDS: Final = 0.2
_WEIGHT: Final = 0.1


class KeyCheck:
    """API_KEYS: the caller must show one of them, in X-API-Key or as a bearer token. No keys: open."""

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        self._keys = tuple(keys)

    def warn_if_open(self) -> None:
        """Say it where it is not overlooked: in the log, at each start."""
        if not self._keys:
            logger.warning(
                "API_KEYS IS NOT SET: THIS SERVER IS OPEN. Whoever reaches it can enrol, recognise and "
                "delete people without a key. `rollcall keys create NAME --role admin` makes a key."
            )

    def caller(self, request: Request) -> ApiKey | None:
        """The key that the request carries; None when the server is open.

        Raises:
            Unauthorized: it carries none.
            Forbidden: an unknown one.
        """
        if not self._keys:
            return None
        presented = presented_key(request)
        if presented is None:
            raise Unauthorized
        digest = digest_of(presented)
        # All digests are compared, and they are of one length: how long it takes tells nothing.
        known = [key for key in self._keys if hmac.compare_digest(digest, key.digest)]
        if not known:
            raise Forbidden
        return known[0]


def presented_key(request: Request) -> str | None:
    if key := request.headers.get("x-api-key"):
        return key
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


class Gate:
    """MAX_CONCURRENT_REQUESTS are worked on, MAX_QUEUED_REQUESTS wait, the rest is told to come back."""

    def __init__(self, *, max_concurrent: int, max_queued: int) -> None:
        self._slots = asyncio.Semaphore(max_concurrent)
        self._max_concurrent = max_concurrent
        self._capacity = max_concurrent + max_queued
        self._working = self._waiting = self._beside = 0
        self._seconds = _FIRST_GUESS_SECONDS

    @property
    def inside(self) -> int:
        """How many requests have a place: they wait or are worked on. Who still sends his body has none."""
        return self._working + self._waiting + self._beside

    @property
    def turns(self) -> Turns:
        """How many are worked on, and how many are there whole and wait for their turn."""
        return Turns(working=self._working, waiting=self._waiting)

    @property
    def retry_after_seconds(self) -> int:
        """When those who are inside now will have been answered, at the pace of late; 1 to 30."""
        seconds = self.inside * self._seconds / self._max_concurrent
        return min(MAX_RETRY_SECONDS, max(1, math.ceil(seconds)))

    def refuse_if_full(self) -> None:
        """Raises Overloaded when all places are taken. Takes none: to be asked before a body is read."""
        if self.inside >= self._capacity:
            raise Overloaded

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place without a turn, for what is done beside those. Raises Overloaded when all are taken."""
        self.refuse_if_full()
        self._beside += 1
        try:
            yield
        finally:
            self._beside -= 1

    @asynccontextmanager
    async def turn(self, hung_up: Callable[[], Awaitable[None]] | None = None) -> AsyncIterator[None]:
        """To be worked on. For requests whose body is there: a slow upload must not keep others from a place.

        `hung_up` returns when the caller is gone; one who waits then waits no longer.

        Raises:
            Overloaded: all places are taken; or after MAX_QUEUE_SECONDS.
            HungUp: nobody is there any more to be answered.
        """
        await self._wait_for_turn(hung_up)
        self._working += 1
        began = time.monotonic()
        try:
            yield
        finally:
            self._working -= 1
            self._seconds += _WEIGHT * (time.monotonic() - began - self._seconds)
            self._slots.release()

    async def _wait_for_turn(self, hung_up: Callable[[], Awaitable[None]] | None) -> None:
        if not self._slots.locked():
            await self._slots.acquire()
            return
        self.refuse_if_full()
        self._waiting += 1
        try:
            async with asyncio.timeout(MAX_QUEUE_SECONDS):
                if hung_up is None:
                    await self._slots.acquire()
                else:
                    await self._acquire_unless(hung_up)
        except TimeoutError:
            raise Overloaded("The request waited too long for its turn.") from None
        finally:
            self._waiting -= 1

    async def _acquire_unless(self, hung_up: Callable[[], Awaitable[None]]) -> None:
        turn = asyncio.create_task(self._slots.acquire())
        gone = asyncio.ensure_future(hung_up())
        gone.add_done_callback(lambda future: future.cancelled() or future.exception())
        try:
            await asyncio.wait({turn, gone}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            # It may have come in this very moment.
            if turn.done():
                self._slots.release()
            turn.cancel()
            raise
        finally:
            gone.cancel()
        if not turn.done():
            turn.cancel()
            raise HungUp
