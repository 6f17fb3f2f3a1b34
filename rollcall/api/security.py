"""Who may ask, how often, and how many at a time."""

import asyncio
import hashlib
import hmac
import ipaddress
import logging
import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Request
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError

from rollcall.core.errors import Forbidden, Overloaded, RateLimited, Unauthorized
from rollcall.core.figures import Turns
from rollcall.core.settings import IPNetwork

logger = logging.getLogger("rollcall.api")

MAX_QUEUE_SECONDS = 30.0
REDIS_SECONDS = 0.5


class KeyCheck:
    """API_KEYS: the caller must show one of them, in X-API-Key or as a bearer token. No keys: open."""

    def __init__(self, keys: Sequence[str]) -> None:
        # Digests are of one length, so the comparison tells nothing about a key's.
        self._digests = [_digest(key) for key in keys]

    def caller(self, request: Request) -> str | None:
        """Who calls, for the rate limit; None when the server is open.

        Raises:
            Unauthorized: no key.
            Forbidden: an unknown key.
        """
        if not self._digests:
            return None
        key = presented_key(request)
        if key is None:
            raise Unauthorized
        digest = _digest(key)
        if not any([hmac.compare_digest(digest, known) for known in self._digests]):
            raise Forbidden
        return digest


def presented_key(request: Request) -> str | None:
    if key := request.headers.get("x-api-key"):
        return key
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class RateLimit:
    """At most so many requests in any minute, by API key, else by address."""

    def __init__(self, *, per_minute: int, exempt: Sequence[IPNetwork], storage: str) -> None:
        self._limit = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._exempt = exempt
        self._limiter = MovingWindowRateLimiter(_open_storage(storage))

    async def check(self, request: Request, caller: str | None) -> None:
        """Count this request. Raises RateLimited when there were too many."""
        address = request.client.host if request.client else ""
        if self._limit is None or self._is_exempt(address):
            return
        counted = caller or address
        try:
            # More than the sockets' limits, for redis-py tries again.
            async with asyncio.timeout(3 * REDIS_SECONDS):
                if await self._limiter.hit(self._limit, counted):
                    return
                window = await self._limiter.get_window_stats(self._limit, counted)
        except (StorageError, TimeoutError):
            # A limit that cannot be counted must not keep a school from marking attendance.
            logger.warning("The rate limit's storage does not answer; the request is let through")
            return
        raise RateLimited(retry_after=max(1, math.ceil(window.reset_time - time.time())))

    def _is_exempt(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._exempt)


def _open_storage(storage: str) -> Storage:
    if storage == "memory":
        return MemoryStorage()
    limits: dict[str, Any] = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
    return RedisStorage(f"async+{storage}", wrap_exceptions=True, implementation="redispy", **limits)


class Gate:
    """MAX_CONCURRENT_REQUESTS are worked on, MAX_QUEUED_REQUESTS wait, the rest is told to come back."""

    def __init__(self, *, max_concurrent: int, max_queued: int) -> None:
        self._slots = asyncio.Semaphore(max_concurrent)
        self._capacity = max_concurrent + max_queued
        self._inside = 0
        self._waiting = 0
        self._working = 0

    @property
    def turns(self) -> Turns:
        """How many are worked on and how many wait for their turn now."""
        return Turns(working=self._working, waiting=self._waiting)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place among those who are worked on or wait. Raises Overloaded when all are taken."""
        if self._inside >= self._capacity:
            raise Overloaded
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """To be worked on. Taken when the body is there: a slow upload must not keep others from their turn.

        Raises:
            Overloaded: after MAX_QUEUE_SECONDS.
        """
        self._waiting += 1
        try:
            async with asyncio.timeout(MAX_QUEUE_SECONDS):
                await self._slots.acquire()
        except TimeoutError:
            raise Overloaded("The request waited too long for its turn.") from None
        finally:
            self._waiting -= 1
        self._working += 1
        try:
            yield
        finally:
            self._working -= 1
            self._slots.release()
