"""What Ctrl-C and `docker stop` do to a command."""

import logging
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def broken_off_by_signals() -> Iterator[Sequence[int]]:
    """Within the block SIGINT and SIGTERM raise KeyboardInterrupt at once; yields the numbers that came.

    Look there after any error: SQLite makes another one of what is raised while it calls us.
    """
    came: list[int] = []

    def break_off(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        # What is logged from here on only follows from this.
        logging.disable()
        raise KeyboardInterrupt

    # asyncio puts its own handler in the place of Python's, which a command that blocks would never notice.
    # It leaves others alone.
    before = {number: signal.signal(number, break_off) for number in _SIGNALS}
    try:
        yield came
    finally:
        logging.disable(logging.NOTSET)
        for number, handler in before.items():
            signal.signal(number, handler)


def finish_whatever_comes() -> None:
    """Ignore the signals from here on: what follows cannot be undone, so nobody may be told that it was."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
