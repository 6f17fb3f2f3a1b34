"""Places and turns: never more than there are, and all given back."""

import asyncio

import pytest

from rollcall.api.errors import HungUp
from rollcall.api.security import MAX_RETRY_SECONDS, Gate
from rollcall.core.errors import Overloaded


async def settle() -> None:
    """Let everything run that can run."""
    for _ in range(20):
        await asyncio.sleep(0)


async def never() -> None:
    await asyncio.Event().wait()


class Visit:
    """A request that stays inside until it is told to leave."""

    def __init__(self, gate: Gate) -> None:
        self.leave, self.gone = asyncio.Event(), asyncio.Event()
        self.has_turn = False
        self._gate = gate
        self.task = asyncio.create_task(self._visit())

    async def _visit(self) -> None:
        async with self._gate.turn(self._hung_up):
            self.has_turn = True
            await self.leave.wait()

    async def _hung_up(self) -> None:
        await self.gone.wait()


def test_a_full_queue_turns_the_next_request_away() -> None:
    async def scene() -> None:
        gate = Gate(max_concurrent=1, max_queued=1)
        inside, waiting = Visit(gate), Visit(gate)
        await settle()
        assert (gate.inside, gate.turns.working, gate.turns.waiting) == (2, 1, 1)
        with pytest.raises(Overloaded):
            gate.refuse_if_full()
        # One whose body came meanwhile, and one that needs no turn.
        with pytest.raises(Overloaded):
            async with asyncio.timeout(10), gate.turn(never):
                pass
        with pytest.raises(Overloaded), gate.place():
            pass
        assert (gate.inside, gate.turns.working, gate.turns.waiting) == (2, 1, 1)
        inside.leave.set()
        waiting.leave.set()
        await asyncio.gather(inside.task, waiting.task)
        assert (gate.inside, gate.turns.working, gate.turns.waiting) == (0, 0, 0)

    asyncio.run(scene())


def test_there_is_room_for_as_many_as_work_and_wait_and_no_more() -> None:
    async def scene() -> None:
        gate = Gate(max_concurrent=2, max_queued=3)
        visits = [Visit(gate) for _ in range(9)]
        await settle()
        assert (gate.turns.working, gate.turns.waiting) == (2, 3)
        for visit in visits:
            visit.leave.set()
        outcomes = await asyncio.gather(*(visit.task for visit in visits), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [type(None)] * 5 + [Overloaded] * 4
        await all_turns_are_there(gate, 2)

    asyncio.run(scene())


def test_who_asks_whether_there_is_room_takes_none() -> None:
    async def scene() -> None:
        gate = Gate(max_concurrent=1, max_queued=0)
        for _ in range(3):
            gate.refuse_if_full()
        await all_turns_are_there_alone(gate)

    asyncio.run(scene())


def test_what_needs_no_turn_takes_a_place() -> None:
    async def scene() -> None:
        gate = Gate(max_concurrent=1, max_queued=1)
        with gate.place(), gate.place():
            assert (gate.inside, gate.turns.working, gate.turns.waiting) == (2, 0, 0)
            with pytest.raises(Overloaded):
                gate.refuse_if_full()
        await all_turns_are_there(gate, 1)

    asyncio.run(scene())


def test_turns_are_taken_in_the_order_of_coming() -> None:
    async def scene() -> None:
        gate = Gate(max_concurrent=1, max_queued=9)
        visits = [Visit(gate) for _ in range(4)]
        for number, visit in enumerate(visits):
            await settle()
            assert [v.has_turn for v in visits] == [i <= number for i in range(4)]
            visit.leave.set()
        await asyncio.gather(*(visit.task for visit in visits))

    asyncio.run(scene())


def test_who_hangs_up_while_waiting_leaves_the_queue_at_once() -> None:
    async def scene() -> None:
        gate = Gate(max_concurrent=2, max_queued=200)
        inside = [Visit(gate) for _ in range(2)]
        await settle()
        waiting = [Visit(gate) for _ in range(200)]
        await settle()
        assert (gate.turns.working, gate.turns.waiting) == (2, 200)
        for visit in waiting:
            visit.gone.set()
        await settle()
        assert (gate.inside, gate.turns.working, gate.turns.waiting) == (2, 2, 0)
        answers = await asyncio.gather(*(visit.task for visit in waiting), return_exceptions=True)
        assert all(isinstance(answer, HungUp) for answer in answers)
        for visit in inside:
            visit.leave.set()
        await asyncio.gather(*(visit.task for visit in inside))
        await all_turns_are_there(gate, 2)

    asyncio.run(scene())


@pytest.mark.parametrize("steps", range(6))
def test_a_turn_is_not_lost_when_it_comes_as_its_owner_goes(steps: int) -> None:
    async def scene(hang_up: bool) -> None:
        gate = Gate(max_concurrent=1, max_queued=9)
        inside, waiting = Visit(gate), Visit(gate)
        await settle()
        inside.leave.set()
        for _ in range(steps):
            await asyncio.sleep(0)
        if hang_up:
            waiting.gone.set()
        else:
            waiting.task.cancel()
        await settle()
        waiting.leave.set()
        await asyncio.gather(inside.task, waiting.task, return_exceptions=True)
        await all_turns_are_there(gate, 1)

    asyncio.run(scene(hang_up=True))
    asyncio.run(scene(hang_up=False))


async def all_turns_are_there(gate: Gate, count: int) -> None:
    assert (gate.inside, gate.turns.working, gate.turns.waiting) == (0, 0, 0)
    visits = [Visit(gate) for _ in range(count + 1)]
    await settle()
    assert [visit.has_turn for visit in visits] == [True] * count + [False]
    for visit in visits:
        visit.leave.set()
    await asyncio.gather(*(visit.task for visit in visits))


def test_a_request_that_fails_gives_its_turn_back() -> None:
    async def scene() -> None:
        gate = Gate(max_concurrent=1, max_queued=0)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                async with gate.turn(never):
                    raise ZeroDivisionError
        await all_turns_are_there_alone(gate)

    asyncio.run(scene())


async def all_turns_are_there_alone(gate: Gate) -> None:
    async with asyncio.timeout(10), gate.turn(never):
        assert (gate.inside, gate.turns.working) == (1, 1)


def test_how_long_to_wait_follows_the_pace_of_answers() -> None:
    async def scene() -> None:
        gate = Gate(max_concurrent=1, max_queued=1000)
        waits = []
        async with asyncio.timeout(60):
            for seconds in (0.0, 0.03):
                for _ in range(40):
                    async with gate.turn():
                        await asyncio.sleep(seconds)
                crowd = [Visit(gate) for _ in range(100)]
                await settle()
                waits.append(gate.retry_after_seconds)
                for visit in crowd:
                    visit.task.cancel()
                await asyncio.gather(*(visit.task for visit in crowd), return_exceptions=True)
        assert waits[0] == 1
        # 100 inside, 30 ms each.
        assert 2 <= waits[1] <= MAX_RETRY_SECONDS

    asyncio.run(scene())
