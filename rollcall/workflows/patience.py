"""What to do while the runner or the database is away for a moment."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from rollcall.core.errors import DatabaseError, ModelNotLoaded, Overloaded

logger = logging.getLogger("rollcall.patience")

T = TypeVar("T")

RETRY_SECONDS: Final = 2.0


class Patience:
    """Tries again what failed by no fault of its own, for so many seconds."""

    def __init__(self, seconds: float, retry_seconds: float = RETRY_SECONDS) -> None:
        self._seconds = seconds
        self._retry_seconds = retry_seconds

    async def run(self, step: Callable[[], Awaitable[T]]) -> T:
        """Raises what the last try raised."""
        until = time.monotonic() + self._seconds
        while True:
            try:
                return await step()
            except (DatabaseError, ModelNotLoaded, Overloaded) as error:
                if time.monotonic() >= until:
                    raise
                logger.info("Trying again: %s", error.message)
            await asyncio.sleep(self._retry_seconds)
