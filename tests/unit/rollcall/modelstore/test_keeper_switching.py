"""Which models the keeper loads and frees, and which one answers, while models are switched."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from rollcall.core.errors import ModelNotLoaded
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.shared_settings import SharedSettings
from tests.unit.rollcall.modelstore.keeping import BESIDE, FIRST, SECOND, World, running, until


def test_the_model_that_a_switch_goes_to_is_loaded_beside_and_freed_when_it_is_cancelled(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        keeper = world.keeper()
        async with running(keeper):
            await until(lambda: set(world.runner.memory) == {FIRST})
            world.shared = SharedSettings(next_model=SECOND)
            await until(lambda: set(world.runner.memory) == {FIRST, SECOND})
            assert set(keeper.loaded) == {FIRST, SECOND}
            assert keeper.active().name == FIRST
            world.shared = SharedSettings()
            await until(lambda: set(world.runner.memory) == {FIRST})
            assert set(keeper.loaded) == {FIRST}

    asyncio.run(scenario())


def test_a_model_that_was_loading_when_its_switch_was_cancelled_is_freed_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        hold = world.runner.holds[SECOND] = asyncio.Event()
        async with running(world.keeper()):
            world.shared = SharedSettings(next_model=SECOND)
            await until(lambda: world.runner.loads.count(SECOND) == 1)
            world.shared = SharedSettings()
            looks = world.looks
            await until(lambda: world.looks >= looks + 2)  # so that the loading was given up
            hold.set()
            await until(lambda: SECOND in world.runner.memory)
            await until(lambda: set(world.runner.memory) == {FIRST})

    asyncio.run(scenario())


def test_the_former_model_stays_loaded_as_the_way_back_until_that_is_pruned(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        keeper = world.keeper()
        async with running(keeper):
            await until(lambda: FIRST in keeper.loaded)
            world.shared = SharedSettings(insightface_model=SECOND, previous_model=FIRST)
            await until(lambda: SECOND in keeper.loaded)
            assert keeper.active().name == SECOND
            world.needed = {FIRST}
            world.shared = SharedSettings(insightface_model=SECOND, next_model=BESIDE)
            await until(lambda: BESIDE in keeper.loaded)
            assert set(world.runner.memory) == {FIRST, SECOND, BESIDE}
            world.needed = set()
            await until(lambda: set(world.runner.memory) == {SECOND, BESIDE})

    asyncio.run(scenario())


def test_while_another_switch_goes_on_the_way_back_is_not_kept_loaded(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        keeper = world.keeper()
        async with running(keeper):
            world.shared = SharedSettings(insightface_model=SECOND, previous_model=FIRST)
            await until(lambda: set(world.runner.memory) == {FIRST, SECOND})
            world.shared = replace(world.shared, next_model=BESIDE)
            await until(lambda: set(world.runner.memory) == {SECOND, BESIDE})
            # Cancelled, after which one may go back at once as before.
            world.shared = replace(world.shared, next_model=None)
            await until(lambda: set(world.runner.memory) == {FIRST, SECOND})

    asyncio.run(scenario())


def test_while_another_switch_goes_on_the_way_back_answers_if_the_wanted_model_cannot(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.runner.broken = {SECOND}
        world.shared = SharedSettings(insightface_model=SECOND, previous_model=FIRST, next_model=BESIDE)
        keeper = world.keeper(fallback=False)
        async with running(keeper):
            await until(lambda: FIRST in keeper.loaded and SECOND in keeper.problems)
            assert keeper.active().name == FIRST

    asyncio.run(scenario())


def test_the_former_model_answers_while_the_wanted_one_cannot(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        keeper = world.keeper()
        async with running(keeper):
            await until(lambda: FIRST in keeper.loaded)
            assert keeper.active().min_similarity == 0.1
            world.runner.broken = {SECOND}
            world.shared = SharedSettings(insightface_model=SECOND)
            await until(lambda: SECOND in keeper.problems)
            active = keeper.active()
            # The setting is for the wanted model; who stands in for it has its own operating point at least.
            assert (active.name, active.min_similarity) == (FIRST, 0.4)
            assert keeper.why_degraded() == (
                "The former model first answers: second cannot be loaded: its file is damaged."
            )
            assert set(world.runner.memory) == {FIRST}

    asyncio.run(scenario())


def test_the_way_back_answers_after_a_restart_while_the_wanted_model_cannot(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.runner.broken = {SECOND}
        world.shared = SharedSettings(insightface_model=SECOND, previous_model=FIRST)
        keeper = world.keeper(fallback=False)
        async with running(keeper):
            await until(lambda: FIRST in keeper.loaded and SECOND in keeper.problems)
            assert keeper.active().name == FIRST

    asyncio.run(scenario())


def test_the_fallback_answers_though_a_model_beside_is_loaded(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.runner.broken = {FIRST}
        keeper = world.keeper(further=(BESIDE,))
        await keeper.ensure(BESIDE)
        with pytest.raises(ModelNotLoaded):
            keeper.active()
        assert keeper.why_degraded() is None
        assert not await keeper.step()
        assert keeper.active().name == FALLBACK_MODEL
        assert keeper.why_degraded() == (
            "The fallback engine face_recognition answers: first cannot be loaded: its file is damaged."
        )
        beside = keeper.named(BESIDE)
        assert beside is not None
        assert beside.min_similarity == 0.1

    asyncio.run(scenario())


def test_a_threshold_that_is_set_for_packs_lets_no_strangers_in_by_the_engine_beside_them(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        keeper = world.keeper(further=(FALLBACK_MODEL, BESIDE))
        for name in (FIRST, FALLBACK_MODEL, BESIDE):
            await keeper.ensure(name)
        beside = [keeper.named(name) for name in (FIRST, FALLBACK_MODEL, BESIDE)]
        assert [model.min_similarity for model in beside if model] == [0.1, 0.6, 0.1]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("configured", "target", "expected"),
    [(FIRST, SECOND, 0.1), (FIRST, FALLBACK_MODEL, 0.6), (FALLBACK_MODEL, SECOND, 0.4)],
)
def test_a_threshold_stays_after_a_switch_unless_that_is_one_to_another_engine(
    tmp_path: Path, configured: str, target: str, expected: float
) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.shared = SharedSettings(insightface_model=target)
        keeper = world.keeper(configured)
        await keeper.ensure(target)
        assert (keeper.active().name, keeper.active().min_similarity) == (target, expected)

    asyncio.run(scenario())


def test_the_log_says_once_that_the_environments_model_does_not_count(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def warned() -> list[str]:
        messages = [record.getMessage() for record in caplog.records]
        return [
            model for text in messages for model in (SECOND, BESIDE) if f"and {model} is to answer" in text
        ]

    async def scenario() -> None:
        world = World(tmp_path)
        keeper = world.keeper()
        async with running(keeper):
            await until(lambda: FIRST in keeper.loaded)
            assert warned() == []
            for model in (SECOND, BESIDE):
                world.shared = SharedSettings(insightface_model=model)
                await until(lambda: keeper.wanted in keeper.loaded)
                world.looks = 0
                await until(lambda: world.looks > 4)  # so that there was occasion to say it again
            assert warned() == [SECOND, BESIDE]

    asyncio.run(scenario())
