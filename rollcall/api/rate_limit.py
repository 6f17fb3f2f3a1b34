"""How often one caller may ask."""

import asyncio
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError

from rollcall.api.addresses import address_of, counted_as, lies_in
from rollcall.api.windows import Windows
from rollcall.core.api_keys import ApiKey
from rollcall.core.errors import RateLimited
from rollcall.core.settings import IPNetwork

logger = logging.getLogger("rollcall.api")

# A busy moment of either machine must not look like a Redis that is away: then nobody is counted for a while.
REDIS_SECONDS: Final = 2.0
# For how long a storage that does not answer is not asked again.
REDIS_REST_SECONDS: Final = 5.0
RATE_LIMIT_HEADERS: Final = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_HEADER_NAMES: Final = tuple(name.lower().encode() for name in RATE_LIMIT_HEADERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a caller stands: after `reset_seconds` the oldest request that counts does so no longer."""

    limit: int
    remaining: int
    reset_seconds: int

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """As RATE_LIMIT_HEADERS of an ASGI answer."""
        values = (self.limit, self.remaining, self.reset_seconds)
        return [(name, b"%d" % value) for name, value in zip(_HEADER_NAMES, values, strict=True)]


class RateLimit:
    """At most so many requests in any 60 seconds, by API key, else by address."""

    def __init__(self, *, per_minute: int, exempt: Sequence[IPNetwork], storage: str) -> None:
        self._limit = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._exempt = exempt
        self._redis = None if storage == "memory" else _open_redis(storage)
        # Moments in Redis come from several servers, so they are those of their clocks.
        self._clock = time.monotonic if self._redis is None else time.time
        self._limiter = MovingWindowRateLimiter(self._redis or Windows())
        self._rests_until = 0.0

    def caller(self, request: Request, key: ApiKey | None) -> tuple[str, str] | None:
        """As whom this caller is counted; None for one who is exempt."""
        address = address_of(request.scope)
        if lies_in(address, self._exempt):
            return None
        return ("address", counted_as(address)) if key is None else ("key", key.name)

    async def count(self, request: Request, key: ApiKey | None) -> None:
        """Count this request, and leave in its state how the caller stands, for the answer's headers.

        Raises:
            RateLimited: there were too many.
        """
        who = self.caller(request, key)
        if self._limit is None or who is None:
            return
        counted = await self._hit(self._limit, who)
        if counted is None:
            return
        allowed, standing = counted
        request.state.rate_limit = standing
        if not allowed:
            raise RateLimited(retry_after=standing.reset_seconds)

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._redis is not None:
            await self._redis.bridge.get_connection().aclose()  # type: ignore[attr-defined]

    async def _hit(self, limit: RateLimitItemPerMinute, who: tuple[str, str]) -> tuple[bool, Standing] | None:
        """Whether it is allowed, and the standing after it; None if it cannot be counted."""
        if time.monotonic() < self._rests_until:
            return None
        try:
            # More than a socket's limit, for redis-py tries again.
            async with asyncio.timeout(2 * REDIS_SECONDS):
                allowed = await self._limiter.hit(limit, *who)
                window = await self._limiter.get_window_stats(limit, *who)
        except (StorageError, TimeoutError):
            # A limit that cannot be counted must not keep a school from marking attendance.
            self._rests_until = time.monotonic() + REDIS_REST_SECONDS
            logger.warning(
                "The rate limit's storage does not answer; requests are let through for %.0f s",
                REDIS_REST_SECONDS,
            )
            return None
        return allowed, Standing(
            limit=limit.amount,
            remaining=max(0, window.remaining) if allowed else 0,
            reset_seconds=_whole_seconds(window.reset_time - self._clock()),
        )


def _whole_seconds(seconds: float) -> int:
    return min(60, max(1, math.ceil(seconds)))


def _open_redis(address: str) -> RedisStorage:
    limits: dict[str, Any] = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
    return RedisStorage(f"async+{address}", wrap_exceptions=True, implementation="redispy", **limits)
