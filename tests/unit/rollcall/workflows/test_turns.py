"""Turns of the background: given, given up, and in a thread."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from rollcall.core.faces import ReadRequest
from rollcall.workflows.pacing import CROWD_REST, QUIET_WIDTH, AttendedReader, Pace
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


def test_work_in_a_thread_rests_as_long_as_between_pictures_while_people_ask() -> None:
    pauses: list[float] = []

    def work(breathe: Callable[[], None]) -> None:
        for _ in range(3):
            time.sleep(0.05)
            began = time.monotonic()
            breathe()
            pauses.append(time.monotonic() - began)

    async def scenario() -> None:
        _, attended = people()
        pace = Pace(attended)
        await attended.read(REQUEST)
        await pace.in_thread(work)
        assert min(pauses) >= CROWD_REST * 0.05

    asyncio.run(scenario())


@pytest.mark.parametrize("busy", [False, True])
def test_work_in_a_thread_ends_when_it_is_cancelled(busy: bool) -> None:
    started, ended = threading.Event(), threading.Event()

    def work(breathe: Callable[[], None]) -> None:
        try:
            started.set()
            while True:
                breathe()
        finally:
            ended.set()

    async def scenario() -> None:
        _, attended = people()
        if busy:
            await attended.read(REQUEST)
        working = asyncio.create_task(Pace(attended).in_thread(work))
        await until(started.is_set)
        assert not ended.is_set()
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        await until(ended.is_set)

    asyncio.run(scenario())


def test_work_in_a_thread_takes_none_of_those_that_answer_people() -> None:
    started, let = threading.Event(), threading.Event()

    def work(_breathe: Callable[[], None]) -> str:
        started.set()
        assert let.wait(60)
        return "done"

    async def scenario() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        _, attended = people()
        working = asyncio.create_task(Pace(attended).in_thread(work))
        await until(started.is_set)
        try:
            assert await asyncio.wait_for(asyncio.to_thread(lambda: "answered"), 30) == "answered"
        finally:
            let.set()
        assert await working == "done"

    asyncio.run(scenario())
