"""Turns of the background: given, given up, and in a thread."""

import asyncio
import time

import pytest

from rollcall.core.faces import ReadRequest
from rollcall.workflows.pacing import QUIET_WIDTH, AttendedReader, Pace
from tests.unit.rollcall.workflows.readers import ScriptedReader, reading_of, until

REQUEST = ReadRequest(picture=b"somebody", model="m")


class Work:
    """Background work that takes its turns, and tells how many are inside at once."""

    def __init__(self, pace: Pace, seconds: float = 0.0) -> None:
        self._pace = pace
        self._seconds = seconds
        self.go = asyncio.Event()
        self.inside = self.most = self.done = 0

    async def one(self) -> None:
        async with self._pace.turn():
            self.inside += 1
            self.most = max(self.most, self.inside)
            await self.go.wait()
            await asyncio.sleep(self._seconds)
            self.inside -= 1
            self.done += 1


def people(quiet_seconds: float = 3600.0) -> tuple[ScriptedReader, AttendedReader]:
    reader = ScriptedReader(lambda _picture: reading_of())
    return reader, AttendedReader(reader, quiet_seconds=quiet_seconds)


def test_while_nobody_asks_many_pictures_are_read_at_once() -> None:
    async def scenario() -> None:
        _, attended = people()
        assert attended.quiet
        work = Work(Pace(attended))
        tasks = [asyncio.create_task(work.one()) for _ in range(QUIET_WIDTH + 5)]
        await until(lambda: work.inside == QUIET_WIDTH)
        work.go.set()
        await asyncio.gather(*tasks)
        assert work.most == QUIET_WIDTH

    asyncio.run(scenario())


def test_who_asked_a_moment_ago_may_ask_again() -> None:
    async def scenario() -> None:
        _, attended = people(quiet_seconds=0.2)
        before = attended.quiet
        await attended.read(REQUEST)
        assert (before, attended.quiet) == (True, False)
        await until(lambda: attended.quiet)

    asyncio.run(scenario())


def test_a_picture_that_fails_is_a_question_all_the_same() -> None:
    async def scenario() -> None:
        reader, attended = people()
        reader.held = {REQUEST.picture}
        asking = asyncio.create_task(attended.read(REQUEST))
        await until(lambda: reader.inside == 1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert not attended.quiet

    asyncio.run(scenario())


def test_loading_a_model_is_no_question() -> None:
    async def scenario() -> None:
        _, attended = people()
        assert (await attended.load("m")).name == "m"
        await attended.unload("m")
        assert attended.quiet

    asyncio.run(scenario())


@pytest.mark.parametrize("busy", [False, True])
def test_work_that_is_given_up_leaves_its_place_to_others(busy: bool) -> None:
    async def scenario() -> None:
        _, attended = people()
        if busy:
            await attended.read(REQUEST)
        work = Work(Pace(attended))
        given_up = [asyncio.create_task(work.one()) for _ in range(QUIET_WIDTH * 2)]
        await until(lambda: work.inside == (1 if busy else QUIET_WIDTH))
        for task in given_up:
            task.cancel()
        await asyncio.gather(*given_up, return_exceptions=True)
        work.inside = 0
        work.go.set()
        async with asyncio.timeout(30):
            await work.one()
        assert work.done == 1

    asyncio.run(scenario())


def test_work_in_a_thread_rests_while_people_ask() -> None:
    async def scenario() -> None:
        _, attended = people()
        pace = Pace(attended)
        await attended.read(REQUEST)

        def work() -> float:
            began = time.monotonic()
            for _ in range(5):
                pace.breathe()
            return time.monotonic() - began

        assert await asyncio.to_thread(work) >= 0.1

    asyncio.run(scenario())
