"""Many callers share one piece of work."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Rounds(Generic[Item, Result]):
    """One round of work at a time. Callers who come while one is under way share the next.

    So a caller waits at most for the rest of one round and for a whole one, however many callers there are,
    and the work of its round begins after its call. No caller waits for longer than `limit` seconds.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Awaitable[Result]], limit: float) -> None:
        self._work = work
        self._limit = limit
        self._gathering: list[Item] | None = None
        self._latest: asyncio.Task[Result] | None = None

    async def join(self, item: Item) -> Result:
        """Take part in the next round; gives its result, or raises its error.

        Raises:
            TimeoutError: the limit has passed. The round goes on.
        """
        if self._gathering is None or self._latest is None:
            self._gathering = []
            self._latest = asyncio.create_task(self._round(self._latest))
            # If all its callers are gone nobody is left to see the error.
            self._latest.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._gathering.append(item)
        return await asyncio.wait_for(asyncio.shield(self._latest), self._limit)

    async def _round(self, former: asyncio.Task[Result] | None) -> Result:
        if former is not None:
            await asyncio.wait([former])
        items, self._gathering = self._gathering or [], None
        return await self._work(items)
