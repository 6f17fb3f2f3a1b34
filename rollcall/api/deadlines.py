"""By when a request is answered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import Request

from rollcall.core.errors import InvalidRequest, Overloaded

_BATCH: Final = "/api/face/batch-enroll"
_BATCH_FACTOR: Final = 10
_UPLOAD: Final = "/api/jobs/import"
# A school's line may be as slow as 2 Mbit/s.
_SLOWEST_BYTES_A_SECOND: Final = 256 * 1024
# They change nothing but the log of recognitions.
_ASK_ONLY: Final = frozenset(
    f"/api/face/{name}" for name in ("recognize", "recognize-all", "verify", "detect", "quality-check")
)


class Deadline:
    """REQUEST_TIMEOUT_SECONDS, ten times as long for a batch, and for an upload what its size takes on a slow
    line besides. What is not done by then is cancelled.

    A transaction that has begun is not: it is committed or rolled back by its own limits, as a whole.
    """

    def __init__(self, seconds: float, max_upload_bytes: int = 0) -> None:
        """`max_upload_bytes`: of an upload that does not say how long it is."""
        self._seconds = seconds
        self._max_upload_bytes = max_upload_bytes

    @asynccontextmanager
    async def of(self, request: Request, route: str) -> AsyncIterator[None]:
        """Around the work for a request; `route` is its path's template.

        Raises:
            Overloaded: the deadline has passed.
            InvalidRequest: it has, and the body is still not there.
        """
        seconds = self._seconds_of(request, route)
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            if getattr(request.state, "body_is_awaited", False):
                raise InvalidRequest("The request's body did not arrive in time.") from None
            raise _too_late(request.method, route, seconds) from None

    def _seconds_of(self, request: Request, route: str) -> float:
        if route == _UPLOAD and request.method == "POST":
            declared = request.headers.get("content-length", "")
            size = int(declared) if declared.isdigit() else self._max_upload_bytes
            return self._seconds + min(size, self._max_upload_bytes) / _SLOWEST_BYTES_A_SECOND
        return self._seconds * (_BATCH_FACTOR if route == _BATCH else 1)


def _too_late(method: str, route: str, seconds: float) -> Overloaded:
    message = f"The request was not done within {seconds:.0f} seconds and was given up."
    if method == "GET" or route in _ASK_ONLY:
        return Overloaded(message)
    return Overloaded(
        f"{message} What it was to change may have been changed all the same.",
        suggestion="See whether it was done before you send it again.",
        may_be_done=True,
    )
