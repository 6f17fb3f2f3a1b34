"""One bad picture must not fail its batch: errors travel as values, in the place of their item."""

import logging
from collections.abc import Callable, Sequence
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


def together(
    step: Callable[[Sequence[Given]], Sequence[Made]], items: Sequence[Given | RollcallError]
) -> list[Made | RollcallError]:
    """One call for all items that are still good; if it fails, one for each, so that an item fails alone."""
    good = [item for item in items if not isinstance(item, RollcallError)]
    try:
        made = iter(step(good))
    except Exception as error:
        _log.warning("A batch failed with %s; its pictures are tried one by one.", type(error).__name__)
        return [attempt(lambda one: step([one])[0], item) for item in items]
    return [item if isinstance(item, RollcallError) else next(made) for item in items]
