"""One bad picture must not fail its batch: errors travel as values, in the place of their item."""

import logging
from collections.abc import Callable
from typing import TypeVar

from rollcall.core.errors import InternalError, RollcallError

_log = logging.getLogger(__name__)

Given = TypeVar("Given")
Made = TypeVar("Made")


def attempt(step: Callable[[Given], Made], item: Given | RollcallError) -> Made | RollcallError:
    """The step's result, or what went wrong in it or in an earlier one. Never raises."""
    if isinstance(item, RollcallError):
        return item
    try:
        return step(item)
    except RollcallError as error:
        # Its traceback would keep the frames, and in them the picture, in memory as long as the error.
        return error.with_traceback(None)
    except Exception:
        # The traceback holds code and shapes, no pixels and no embeddings.
        _log.exception("A picture failed.")
        return InternalError("The picture could not be processed.")
