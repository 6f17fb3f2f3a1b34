"""When background work may read a picture, by a clock that the test sets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from rollcall.core.faces import Reading, ReadRequest
from rollcall.core.models import LoadedModel
from rollcall.workflows.pacing import (
    CROWD,
    CROWD_REST,
    GAPS,
    LONE_REST,
    QUIET_SECONDS,
    QUIET_WIDTH,
    AttendedReader,
    Pace,
)

REQUEST = ReadRequest(picture=b"picture", model="m")
READING = Reading(content_type="image/jpeg", width=1, height=1, faces=())
PICTURE_SECONDS = 0.1  # of the background
LITTLE = 0.01


class Reader:
    """Implements core.ports.FaceReader: answers while `answers` is set."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()

    async def read(self, _request: ReadRequest) -> Reading:
        await self.answers.wait()
        return READING

    async def load(self, model: str) -> LoadedModel:
        return LoadedModel(name=model, backend="none", dimension=512)

    async def unload(self, model: str) -> None:
        pass


class Hall:
    """People before a camera, the background, and the clock on the wall."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._reader = Reader()
        self._people = AttendedReader(self._reader, clock=lambda: self.now)
        self.pace = Pace(self._people)

    @asynccontextmanager
    async def asking(self, count: int) -> AsyncIterator[None]:
        """While the block runs, so many people wait for their answers."""
        self._reader.answers.clear()
        asked = [asyncio.create_task(self._people.read(REQUEST)) for _ in range(count)]
        await asyncio.sleep(0)
        yield
        self._reader.answers.set()
        await asyncio.gather(*asked)

    async def somebody_asks(self, *, after: float, times: int = 1) -> None:
        for _ in range(times):
            self.now += after
            async with self.asking(1):
                self.now += PICTURE_SECONDS

    async def background_reads(self) -> None:
        """One picture, as soon as it may; the clock goes on by the time that it takes."""
        while not self.pace.is_open():
            self.now += LITTLE
        async with self.pace.turn():
            self.now += PICTURE_SECONDS


def in_the_hall(scene: Callable[[Hall], Awaitable[None]]) -> None:
    async def play() -> None:
        await scene(Hall())

    asyncio.run(play())


def test_when_nobody_has_asked_for_a_while_many_pictures_are_read_at_a_time() -> None:
    async def scene(hall: Hall) -> None:
        await hall.somebody_asks(after=1)
        hall.now += QUIET_SECONDS
        async with AsyncExitStack() as stack:
            for _ in range(QUIET_WIDTH):
                assert hall.pace.is_open()
                await stack.enter_async_context(hall.pace.turn())

    in_the_hall(scene)


@pytest.mark.parametrize(("callers", "rest"), [(1, LONE_REST), (CROWD, CROWD_REST)])
def test_beside_people_who_ask_all_the_time_the_background_rests_between_pictures(
    callers: int, rest: float
) -> None:
    async def scene(hall: Hall) -> None:
        await hall.somebody_asks(after=1)
        await hall.background_reads()
        async with hall.asking(callers):
            hall.now += rest * PICTURE_SECONDS - LITTLE
            assert not hall.pace.is_open()
            hall.now += 2 * LITTLE
            assert hall.pace.is_open()

    in_the_hall(scene)


def test_beside_people_one_picture_is_read_at_a_time() -> None:
    async def scene(hall: Hall) -> None:
        await hall.somebody_asks(after=1)
        while not hall.pace.is_open():
            hall.now += LITTLE
        async with hall.pace.turn():
            assert not hall.pace.is_open()

    in_the_hall(scene)


def test_between_people_who_ask_every_two_seconds_the_background_reads_on_and_on() -> None:
    async def scene(hall: Hall) -> None:
        await hall.background_reads()
        await hall.somebody_asks(after=2, times=GAPS + 1)
        gap_ends = hall.now + 2
        for _ in range(10):
            assert hall.pace.is_open()
            await hall.background_reads()
        # Not so late that the next would meet it.
        hall.now = gap_ends - PICTURE_SECONDS / 2
        assert not hall.pace.is_open()

    in_the_hall(scene)


def test_one_short_gap_of_late_makes_the_background_careful() -> None:
    async def scene(hall: Hall) -> None:
        await hall.background_reads()
        await hall.somebody_asks(after=2, times=GAPS)
        await hall.somebody_asks(after=PICTURE_SECONDS / 2)
        await hall.background_reads()
        await hall.somebody_asks(after=2, times=GAPS - 2)
        hall.now += LITTLE
        assert hall.pace.is_open(), "by now it has rested"
        await hall.background_reads()
        assert not hall.pace.is_open()
        await hall.somebody_asks(after=2, times=2)
        assert hall.pace.is_open(), "the short gap is forgotten"

    in_the_hall(scene)


def test_nobody_knows_the_gaps_of_people_who_have_only_begun_to_ask() -> None:
    async def scene(hall: Hall) -> None:
        await hall.background_reads()
        await hall.somebody_asks(after=2)
        await hall.background_reads()
        assert not hall.pace.is_open()

    in_the_hall(scene)


def test_what_pictures_take_side_by_side_says_nothing_of_one_alone() -> None:
    async def scene(hall: Hall) -> None:
        await hall.background_reads()
        async with AsyncExitStack() as stack:
            for _ in range(QUIET_WIDTH):
                await stack.enter_async_context(hall.pace.turn())
            hall.now += QUIET_WIDTH * PICTURE_SECONDS
        async with hall.asking(1):
            hall.now += LONE_REST * PICTURE_SECONDS + LITTLE
            assert hall.pace.is_open()

    in_the_hall(scene)


def test_beside_people_pictures_are_read_in_their_order() -> None:
    # They are stored in this order: one that was overtaken again and again would hold all others back.
    order = list[int]()

    async def scene(hall: Hall) -> None:
        async def read(number: int) -> None:
            async with hall.pace.turn():
                order.append(number)

        await hall.somebody_asks(after=1)
        async with hall.asking(1), asyncio.TaskGroup() as tasks:
            tasks.create_task(read(1))
            await asyncio.sleep(0)
            # It looks again in a moment; by then another has come, who finds that a picture may be read.
            hall.now += QUIET_SECONDS + LONE_REST
            tasks.create_task(read(2))
            while not order:
                await asyncio.sleep(0)
            hall.now += LONE_REST

    in_the_hall(scene)
    assert order == [1, 2]
