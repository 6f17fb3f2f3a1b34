"""Callers share rounds of work."""

import asyncio
from collections.abc import Sequence

import pytest

from rollcall.core.rounds import Rounds


class Work:
    """Notes each round; goes on when told to."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.may_end = asyncio.Event()

    async def __call__(self, items: Sequence[int]) -> int:
        self.rounds.append(list(items))
        await self.may_end.wait()
        if 13 in items:
            raise ValueError
        return sum(items)


async def begun(work: Work, rounds: int) -> None:
    while len(work.rounds) < rounds:
        await asyncio.sleep(0)


def test_those_who_come_during_a_round_share_the_next() -> None:
    async def scene() -> None:
        work = Work()
        rounds = Rounds(work, limit=20)
        first = asyncio.create_task(rounds.join(1))
        await begun(work, 1)
        others = [asyncio.create_task(rounds.join(number)) for number in (2, 3, 4)]
        await asyncio.sleep(0.01)
        assert work.rounds == [[1]]
        work.may_end.set()
        assert await first == 1
        assert await asyncio.gather(*others) == [9, 9, 9]
        assert work.rounds == [[1], [2, 3, 4]]

    asyncio.run(scene())


def test_an_error_reaches_its_own_round_alone() -> None:
    async def scene() -> None:
        work = Work()
        rounds = Rounds(work, limit=20)
        failing = asyncio.create_task(rounds.join(13))
        await begun(work, 1)
        next_one = asyncio.create_task(rounds.join(2))
        work.may_end.set()
        with pytest.raises(ValueError):  # noqa: PT011 - it has no message
            await failing
        assert await next_one == 2
        assert await rounds.join(5) == 5

    asyncio.run(scene())


def test_a_caller_who_leaves_takes_nobody_along() -> None:
    async def scene() -> None:
        work = Work()
        rounds = Rounds(work, limit=20)
        leaving = asyncio.create_task(rounds.join(1))
        staying = asyncio.create_task(rounds.join(2))
        await begun(work, 1)
        leaving.cancel()
        work.may_end.set()
        assert await staying == 3
        with pytest.raises(asyncio.CancelledError):
            await leaving

    asyncio.run(scene())


def test_nobody_waits_for_longer_than_the_limit() -> None:
    async def scene() -> None:
        work = Work()
        rounds = Rounds(work, limit=0.05)
        callers = [rounds.join(1), rounds.join(2)]
        results = await asyncio.gather(*callers, return_exceptions=True)
        assert all(isinstance(result, TimeoutError) for result in results)
        work.may_end.set()
        await begun(work, 1)
        assert work.rounds == [[1, 2]]
        assert await rounds.join(3) == 3

    asyncio.run(scene())
