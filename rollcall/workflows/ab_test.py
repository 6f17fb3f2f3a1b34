"""AB_MODEL: a share of the requests is really answered by a second model."""

import random
from collections.abc import Callable

from rollcall.core.models import ActiveModel
from rollcall.core.ports import Models


class AbTest:
    """Picks the model that answers a request. The second one takes part once every face has its embedding."""

    def __init__(
        self,
        *,
        models: Models,
        second: str,
        share: float,
        is_complete: Callable[[str], bool],
        draw: Callable[[], float] = random.random,
    ) -> None:
        """`draw` gives a number from 0 to below 1."""
        self._models = models
        self._second = second
        self._share = share
        self._is_complete = is_complete
        self._draw = draw

    def pick(self) -> ActiveModel:
        """Raises ModelNotLoaded where no model can answer."""
        active = self._models.active()
        chosen = active
        if self._draw() < self._share and self._is_complete(self._second):
            chosen = self._models.named(self._second) or active
        return chosen
