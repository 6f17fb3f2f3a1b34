"""The end of a server: at SIGTERM requests in flight are finished, and it is gone within 30 seconds.

Left alone, BentoML 1.4.39's supervisor ends the API and the runner at the same moment, and deletes the
runner's socket before: what was in flight is answered 503. It also keeps its port open until the last process
ended, so that callers connect whom nobody will answer. Most of what mends it is private code; its version is
pinned, and tests/e2e/test_draining.py tells when a guard stops working.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import uvicorn
from bentoml._internal.utils.circus import Arbiter
from circus.arbiter import Arbiter as CircusArbiter  # type: ignore[import-untyped]
from circus.exc import ConflictError  # type: ignore[import-untyped]

# BentoML's name for the watcher of the service that it was told to serve; all others serve that one.
API_WATCHER: Final = "service"
# Together less than 30 s, after which a container is killed. Whoever has not sent a request's body by then
# is cut off; then the API has some time to close its parts, and the runner, which is idle by now, to end.
REQUESTS_OPTION: Final = "--timeout-graceful-shutdown"
REQUESTS_SECONDS: Final = 22
API_SECONDS: Final = 25.0
RUNNER_SECONDS: Final = 3.0
BUSY_SECONDS: Final = 0.1


def install_draining() -> None:
    """Mend the supervisor and the workers, whichever of them this process will be. To be called once."""
    _refuse_newcomers()
    _end_the_api_first()


def _refuse_newcomers() -> None:
    """Let a worker that ends close its port for all processes that hold it, not for itself alone."""
    shutdown = uvicorn.Server.shutdown

    async def refuse_and_shut_down(self: uvicorn.Server, sockets: list[socket.socket] | None = None) -> None:
        for listening in sockets or []:
            if listening.family in (socket.AF_INET, socket.AF_INET6):
                with suppress(OSError):
                    listening.shutdown(socket.SHUT_RDWR)
        # Closes the sockets before it gives way, so the loop never sees one that it cannot accept from.
        await shutdown(self, sockets)

    uvicorn.Server.shutdown = refuse_and_shut_down  # type: ignore[method-assign]


def _end_the_api_first() -> None:
    """Let the supervisor keep the runner and its socket until the API has ended."""
    start, stop_now = Arbiter.start, CircusArbiter.stop

    def start_and_tidy_up(self: Any, cb: Callable[[Any], Any] | None = None) -> None:
        for watcher in self.watchers:
            _limit(watcher)
        try:
            start(self, cb)
        finally:
            self.exit_stack.close()

    def stop(self: Any) -> Any:
        if self._stopping:
            return None
        try:
            return stop_now(self)
        except ConflictError:
            # It is starting or counting its processes, and would forget the signal.
            self.loop.call_later(BUSY_SECONDS, self.stop)
            return None

    async def stop_in_turn(
        self: Any,
        close_output_streams: bool = False,
        watcher_iter_func: Callable[..., Sequence[Any]] | None = None,
    ) -> None:
        watchers = list((watcher_iter_func or self.iter_watchers)(reverse=False))
        for is_api in (True, False):
            of_this_turn = [watcher for watcher in watchers if (watcher.name == API_WATCHER) is is_api]
            await asyncio.gather(*(watcher._stop(close_output_streams) for watcher in of_this_turn))

    Arbiter.start = start_and_tidy_up  # type: ignore[method-assign]
    Arbiter.stop = stop  # type: ignore[method-assign]
    Arbiter._stop_watchers = stop_in_turn


def _limit(watcher: Any) -> None:
    """Say how long a watcher's processes may take to end; BentoML gives them a day, unless told otherwise."""
    if watcher.name != API_WATCHER:
        watcher.graceful_timeout = RUNNER_SECONDS
    elif REQUESTS_OPTION not in watcher.args:
        watcher.graceful_timeout = API_SECONDS
        watcher.args = [*watcher.args, REQUESTS_OPTION, str(REQUESTS_SECONDS)]
