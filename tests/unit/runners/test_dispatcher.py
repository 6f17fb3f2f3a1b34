"""BentoML's dispatcher with our guards: it never holds a lone caller back, and runs batches side by side."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence

from bentoml._internal.marshal.dispatcher import CorkDispatcher

from runners import bento_guards
from tests.servers import ROOT

SCENE = """
import asyncio
from runners import bento_guards
from tests.unit.runners.test_dispatcher import {scene}
bento_guards.watch_dispatchers()
bento_guards.forget_queueing()
bento_guards.skip_training()
bento_guards.run_batches_side_by_side(2)
asyncio.run({scene}())
"""
# A turn of the event loop, in which no time passes. The dispatcher needs a few to start a batch, but none of
# its pauses, which are timed.
TURNS = 20


def dispatcher() -> "CorkDispatcher[int, int]":
    def fallback() -> int:
        raise AssertionError("a request was shed")

    return CorkDispatcher(3_600_000, 4, fallback=fallback, get_batch_size=lambda _: 1)


async def lone_callers_start_at_once() -> None:
    started = asyncio.Event()

    async def network(batch: Sequence[int]) -> Sequence[int]:
        started.set()
        await asyncio.sleep(0.02)
        return batch

    ask = dispatcher()(network)
    for number in range(30):
        started.clear()
        call = asyncio.create_task(ask(number))
        for _ in range(TURNS):
            await asyncio.sleep(0)
        assert started.is_set(), f"request {number} was held back"
        assert await call == number


async def two_batches_run_side_by_side() -> None:
    inside = 0
    most = 0

    async def network(batch: Sequence[int]) -> Sequence[int]:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.02)
        inside -= 1
        return batch

    ask = dispatcher()(network)
    assert await asyncio.gather(*(ask(number) for number in range(40))) == list(range(40))
    assert most == 2


async def the_queue_is_told_as_it_grows_and_shrinks() -> None:
    told: list[int] = []
    bento_guards.watch_queue(told.append)
    go = asyncio.Event()

    async def network(batch: Sequence[int]) -> Sequence[int]:
        await go.wait()
        return batch

    ask = dispatcher()(network)
    calls = []
    for number in range(12):
        calls.append(asyncio.create_task(ask(number)))
        for _ in range(TURNS):
            await asyncio.sleep(0)
    # Two lone callers fill both streams at once; the other ten wait.
    assert told == [1, 0, 1, 0, *range(1, 11)]
    go.set()
    assert await asyncio.gather(*calls) == list(range(12))
    taken = told[14:]
    assert taken == sorted(taken, reverse=True)
    assert taken[-1] == 0


def run_guarded(scene: str) -> None:
    """In a process of its own, because the guards change BentoML for good."""
    subprocess.run([sys.executable, "-c", SCENE.format(scene=scene)], cwd=ROOT, check=True, timeout=120)


def test_a_lone_caller_is_never_held_back() -> None:
    run_guarded("lone_callers_start_at_once")


def test_the_depth_of_the_queue_is_told() -> None:
    run_guarded("the_queue_is_told_as_it_grows_and_shrinks")


def test_two_batches_are_in_the_network_at_a_time() -> None:
    run_guarded("two_batches_run_side_by_side")
