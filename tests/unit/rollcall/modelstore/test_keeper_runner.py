"""The keeper and a runner that is started anew, is away, or loads again what was freed."""

import asyncio
from pathlib import Path

import pytest

from rollcall.core.errors import DatabaseError, ModelNotLoaded, RunnerAway
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.shared_settings import SharedSettings
from rollcall.modelstore.keeper import ModelKeeper
from tests.unit.rollcall.modelstore.keeping import FIRST, SECOND, World, running, until


def test_a_model_that_a_new_runner_loads_from_other_files_answers_no_more(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        keeper = world.keeper()
        async with running(keeper):
            await until(lambda: FIRST in keeper.loaded)
            world.refusal = ModelNotLoaded("first is another.")
            world.runner.memory.clear()
            await world.runner.load(FIRST)  # for a picture, before the keeper knows
            await until(lambda: FALLBACK_MODEL in keeper.loaded)
            assert keeper.active().name == FALLBACK_MODEL
            assert keeper.why_degraded() == "The fallback engine face_recognition answers: first is another."
            assert FIRST not in world.runner.memory

    asyncio.run(scenario())


def test_a_new_runner_is_asked_to_load_what_the_old_one_had_and_its_models_are_checked(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.shared = SharedSettings(next_model=SECOND)
        keeper = world.keeper()
        async with running(keeper):
            await until(lambda: world.checks == {FIRST: 1, SECOND: 1})
            world.runner.memory.clear()
            await until(lambda: world.checks == {FIRST: 2, SECOND: 2})
            await until(lambda: set(keeper.loaded) == {FIRST, SECOND})
            assert keeper.loaded == world.runner.memory

    asyncio.run(scenario())


def test_a_model_goes_on_answering_while_it_is_checked_anew_but_stores_nothing(tmp_path: Path) -> None:
    def is_checked(keeper: ModelKeeper) -> bool:
        return keeper.active().checked

    async def scenario() -> None:
        world = World(tmp_path)
        keeper = world.keeper()
        async with running(keeper):
            await until(lambda: FIRST in keeper.loaded)
            world.let_check.clear()
            world.runner.memory.clear()
            await until(lambda: world.checks[FIRST] == 2)
            assert not is_checked(keeper)
            world.let_check.set()
            await until(lambda: is_checked(keeper))

    asyncio.run(scenario())


def test_the_fallback_answers_when_a_new_runner_cannot_load_the_model(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        keeper = world.keeper()
        async with running(keeper):
            await until(lambda: FIRST in keeper.loaded)
            world.runner.broken = {FIRST}
            world.runner.memory.clear()
            await until(lambda: FALLBACK_MODEL in keeper.loaded)
            assert keeper.active().name == FALLBACK_MODEL
            assert set(keeper.loaded) == {FALLBACK_MODEL}

    asyncio.run(scenario())


def test_a_runner_that_is_away_is_no_reason_to_give_a_model_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        keeper = world.keeper()
        async with running(keeper):
            await until(lambda: FIRST in keeper.loaded)
            world.runner.is_away = True
            await until(lambda: world.runner.asked_away > 1)
            assert keeper.active().name == FIRST
            assert world.checks == {FIRST: 1}

    asyncio.run(scenario())


def test_who_asks_for_a_model_is_told_that_the_runner_is_away(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.runner.is_away = True
        with pytest.raises(RunnerAway, match="second cannot be loaded: The model runner is away"):
            await world.keeper().ensure(SECOND)

    asyncio.run(scenario())


def test_what_the_runner_loads_again_for_a_late_request_is_freed_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.settle_seconds = 1.0
        world.shared = SharedSettings(next_model=SECOND)
        async with running(world.keeper()):
            await until(lambda: SECOND in world.runner.memory)
            world.shared = SharedSettings()
            await until(lambda: bool(world.runner.freed))
            await world.runner.load(SECOND)
            await until(lambda: set(world.runner.memory) == {FIRST})

    asyncio.run(scenario())


def test_who_asks_for_a_model_while_it_is_being_freed_gets_it_loaded_anew(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.shared = SharedSettings(next_model=SECOND)
        keeper = world.keeper()
        async with running(keeper):
            await until(lambda: SECOND in keeper.loaded)
            world.runner.let_go.clear()
            world.shared = SharedSettings()
            await until(lambda: SECOND not in keeper.loaded)
            asking = asyncio.create_task(keeper.ensure(SECOND))
            world.shared = SharedSettings(next_model=SECOND)
            await asyncio.sleep(0)
            world.runner.let_go.set()
            assert (await asking).load_id == world.runner.memory[SECOND].load_id

    asyncio.run(scenario())


def test_a_switch_waits_for_the_check_of_its_model(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.refusal = DatabaseError()
        keeper = world.keeper()
        with pytest.raises(DatabaseError, match="cannot be told now"):
            await keeper.ensure(SECOND)
        world.shared = SharedSettings(insightface_model=SECOND)
        assert keeper.why_degraded() == (
            "The files of second must yet be compared with those of its embeddings."
        )
        unchecked = keeper.named(SECOND)
        assert unchecked is not None
        assert not unchecked.checked
        world.refusal = None
        await keeper.ensure(SECOND)
        checked = keeper.named(SECOND)
        assert checked is not None
        assert checked.checked
        assert keeper.why_degraded() is None

    asyncio.run(scenario())


def test_a_switch_to_a_model_that_proves_to_be_another_fails(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.refusal = DatabaseError()
        keeper = world.keeper()
        with pytest.raises(DatabaseError):
            await keeper.ensure(SECOND)
        world.refusal = ModelNotLoaded("second is another.")
        with pytest.raises(ModelNotLoaded, match="second is another"):
            await keeper.ensure(SECOND)
        assert dict(keeper.loaded) == {}

    asyncio.run(scenario())
