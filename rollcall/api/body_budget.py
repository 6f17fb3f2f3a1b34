"""How much of requests' bodies is held in memory."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Final

from rollcall.core.errors import Overloaded

# Of all requests together that send their body, wait or are worked on: 25 pictures of 10 MB, or a thousand of
# the usual size. A container has 3 GB, of which two models take 2; a change of models keeps to two.
MAX_BYTES: Final = 256 * 1024 * 1024
# Half of it, so that nobody shuts out all others by sending slowly. A batch of 100 MB fits.
MAX_BYTES_OF_ONE: Final = MAX_BYTES // 2
# Every device of a school may send at the same moment, perhaps all from one address.
MAX_SENDING_OF_ONE: Final = 100


class BodyBudget:
    """Counts the bytes and the senders of bodies, all together and by caller.

    `max_sending_of_one`: how many bodies of one caller may be under way at a time.
    """

    def __init__(
        self,
        *,
        max_bytes: int = MAX_BYTES,
        max_bytes_of_one: int = MAX_BYTES_OF_ONE,
        max_sending_of_one: int = MAX_SENDING_OF_ONE,
    ) -> None:
        self._max_bytes = max_bytes
        self._max_bytes_of_one = max_bytes_of_one
        self._max_sending_of_one = max_sending_of_one
        self._bytes_of: Counter[Hashable] = Counter()
        self._sending_of: Counter[Hashable] = Counter()
        self._held = self._sending = 0

    @property
    def held_bytes(self) -> int:
        """Bytes of bodies of requests that are not over."""
        return self._held

    @property
    def sending(self) -> int:
        """How many bodies are under way."""
        return self._sending

    @property
    def callers(self) -> int:
        """How many callers are remembered: those who hold something."""
        return len(self._bytes_of.keys() | self._sending_of.keys())

    @contextmanager
    def body(self, caller: Hashable | None) -> Iterator["Body"]:
        """A request's body, whose bytes count until the request is over. None: an exempt caller, who has no
        share of his own but counts with all others."""
        body = Body(self, caller)
        try:
            yield body
        finally:
            self._hold(caller, -body.held_bytes)

    def require_room(self, caller: Hashable | None, size: int) -> None:
        """Raises Overloaded if so many bytes more are more than there may be, of all or of this caller."""
        if self._held + size > self._max_bytes:
            raise Overloaded("The server holds as many large requests as it can.")
        if caller is not None and self._bytes_of[caller] + size > self._max_bytes_of_one:
            raise Overloaded("The server holds as many large requests of this caller as it may.")

    def _hold(self, caller: Hashable | None, size: int) -> None:
        self._held += size
        _add(self._bytes_of, caller, size)

    @contextmanager
    def _sent_by(self, caller: Hashable | None) -> Iterator[None]:
        if caller is not None and self._sending_of[caller] >= self._max_sending_of_one:
            raise Overloaded("Too many requests of this caller are under way.")
        self._sending += 1
        _add(self._sending_of, caller, 1)
        try:
            yield
        finally:
            self._sending -= 1
            _add(self._sending_of, caller, -1)


class Body:
    """One request's part of the budget."""

    def __init__(self, budget: BodyBudget, caller: Hashable | None) -> None:
        self._budget = budget
        self._caller = caller
        self.held_bytes = 0

    def expect(self, size: int) -> None:
        """Raises Overloaded if a body of so many bytes could not be held now. Counts nothing."""
        self._budget.require_room(self._caller, size)

    def take(self, size: int) -> None:
        """Count a chunk that came. Raises Overloaded, and does not count it, where that is too much."""
        self._budget.require_room(self._caller, size)
        self._budget._hold(self._caller, size)
        self.held_bytes += size

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """While it is sent. Raises Overloaded if its caller sends too many at a time."""
        with self._budget._sent_by(self._caller):
            yield


def _add(counts: Counter[Hashable], caller: Hashable | None, amount: int) -> None:
    """Forgets who has nothing any more: callers come and go."""
    if caller is None:
        return
    counts[caller] += amount
    if not counts[caller]:
        del counts[caller]
