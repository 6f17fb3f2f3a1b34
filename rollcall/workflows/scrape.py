"""What Prometheus reads, made once for all who ask at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from rollcall.core.figures import Exposition, Figures, Turns
from rollcall.core.rounds import Rounds

_LIMIT_SECONDS: Final = 60.0  # Prometheus itself waits for 10


class Scrape:
    """One text at a time, in one thread. Those who come while one is made share the next."""

    def __init__(self, *, figures: Callable[[], Awaitable[Figures]], exposition: Exposition) -> None:
        self._figures = figures
        self._exposition = exposition
        self._rounds = Rounds(self._made, limit=_LIMIT_SECONDS)

    async def run(self, turns: Turns) -> bytes:
        """All metrics of this server. Of those who share a text, the last one's `turns` are told."""
        return await self._rounds.join(turns)

    async def _made(self, turns: Sequence[Turns]) -> bytes:
        figures = await self._figures()
        return await asyncio.to_thread(self._exposition.text, figures, turns[-1])
