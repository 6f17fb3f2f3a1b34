"""Work that blocks, done in a thread."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Like asyncio.to_thread, but a cancelled caller waits for the end of the work.

    Otherwise a thread would go on writing into a folder while, or after, it is removed.
    """
    future = asyncio.get_running_loop().run_in_executor(None, lambda: work(*args, **kwargs))
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        future.exception()  # Looked at, so that asyncio does not report it as forgotten.
        raise cancelled
    return future.result()
