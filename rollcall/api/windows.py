"""Sliding windows in memory, for the `limits` library.

Its own MemoryStorage starts a thread for each caller that it knows, at each request, to look for what is old;
and it knows as many as there are. With 10,000 addresses that takes the server's whole time.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from limits.aio.storage import MovingWindowSupport, Storage

MAX_CALLERS: Final = 10_000


class Windows(Storage, MovingWindowSupport):
    """The moments of each caller's requests. All callers' windows must be of one length.

    Forgets callers when their last request is too old to count, and beyond `max_callers` the one whose last
    request is the oldest. Moments are of `clock`, in seconds.
    """

    STORAGE_SCHEME = None

    def __init__(
        self, *, max_callers: int = MAX_CALLERS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._max_callers = max_callers
        self._clock = clock
        # The caller of the latest request comes last.
        self._windows: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        """How many callers it knows."""
        return len(self._windows)

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count a request, unless as many as the limit count already. Nothing here awaits: it is exact."""
        now = self._clock()
        self._forget(now - expiry)
        window = self._windows.get(key)
        if window is None:
            window = deque()
        _drop(window, now - expiry)
        if len(window) + amount > limit:
            return False
        window.extend([now] * amount)
        self._windows[key] = window
        self._windows.move_to_end(key)
        if len(self._windows) > self._max_callers:
            self._windows.popitem(last=False)
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002
        """The moment of the oldest request that counts, and how many do; now and 0 if none does."""
        now = self._clock()
        window = self._windows.get(key)
        if window is not None:
            _drop(window, now - expiry)
        return (window[0], len(window)) if window else (now, 0)

    def _forget(self, until: float) -> None:
        while self._windows:
            key, window = next(iter(self._windows.items()))
            if window and window[-1] > until:
                return
            del self._windows[key]

    # What the library's interface has for its other strategies: counters, which nothing here asks for. As in
    # its own storages, what one cannot do is refused and not pretended.

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError

    async def get(self, key: str) -> int:
        raise NotImplementedError

    async def get_expiry(self, key: str) -> float:
        raise NotImplementedError

    async def check(self) -> bool:
        return True

    async def reset(self) -> int:
        known = len(self._windows)
        self._windows.clear()
        return known

    async def clear(self, key: str) -> None:
        self._windows.pop(key, None)


def _drop(window: deque[float], until: float) -> None:
    while window and window[0] <= until:
        window.popleft()
