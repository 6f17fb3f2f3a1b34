"""However many ask for the metrics, they are put together once at a time."""

import asyncio
import threading

from rollcall.core.figures import Figures, Turns
from rollcall.workflows.scrape import Scrape
from tests.unit.rollcall.telemetry.test_exposition import FIGURES

ASKERS = 60
TURNS = Turns(working=1, waiting=0)


class Counting:
    """core.figures.Exposition that counts its texts, and how many were made at the same time."""

    def __init__(self) -> None:
        self.made = self.most_at_once = self._now = 0
        self._lock = threading.Lock()
        self.may_end = threading.Event()

    def text(self, figures: Figures, turns: Turns) -> bytes:
        with self._lock:
            self.made += 1
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        self.may_end.wait(20)
        with self._lock:
            self._now -= 1
        return f"{figures.enrolled_faces} {turns.waiting}".encode()


async def figures() -> Figures:
    return FIGURES


def test_those_who_ask_meanwhile_share_the_next_text() -> None:
    async def scenario() -> None:
        counting = Counting()
        scrape = Scrape(figures=figures, exposition=counting)
        first = asyncio.create_task(scrape.run(TURNS))
        while counting.made == 0:
            await asyncio.sleep(0.005)
        others = [asyncio.create_task(scrape.run(Turns(working=1, waiting=n))) for n in range(ASKERS)]
        await asyncio.sleep(0)
        counting.may_end.set()
        assert await first == b"3 0"
        # Of what changed meanwhile the latest is told.
        assert set(await asyncio.gather(*others)) == {f"3 {ASKERS - 1}".encode()}
        assert (counting.made, counting.most_at_once) == (2, 1)

    asyncio.run(scenario())


def test_who_asks_later_gets_a_text_of_that_time() -> None:
    async def scenario() -> None:
        counting = Counting()
        counting.may_end.set()
        scrape = Scrape(figures=figures, exposition=counting)
        assert [await scrape.run(Turns(working=1, waiting=n)) for n in (4, 5)] == [b"3 4", b"3 5"]

    asyncio.run(scenario())
