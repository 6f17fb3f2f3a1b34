"""Models that are being downloaded, that are not those of their names, or that cannot be freed."""

import asyncio
from pathlib import Path

import pytest

from rollcall.core.errors import DatabaseError, ModelNotLoaded
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.shared_settings import SharedSettings
from rollcall.modelstore.download import DownloadFailed
from tests.unit.rollcall.modelstore.keeping import BESIDE, FIRST, OFFICIAL, SECOND, World, running, until


@pytest.mark.parametrize(("progress", "told"), [((1, 4), ", 25 %"), ((1, None), "")])
def test_the_fallback_answers_until_the_wanted_model_is_downloaded(
    tmp_path: Path, progress: tuple[int, int | None], told: str
) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.progress = progress
        keeper = world.keeper(OFFICIAL)
        async with running(keeper):
            await until(lambda: keeper.downloads.get(OFFICIAL) == progress)
            assert keeper.active().name == FALLBACK_MODEL
            assert keeper.why_degraded() == (
                f"The fallback engine face_recognition answers: buffalo_l is being downloaded{told}."
            )
            world.fetched.set()
            await until(lambda: set(world.runner.memory) == {OFFICIAL})
            assert keeper.active().name == OFFICIAL
            assert keeper.why_degraded() is None
            assert dict(keeper.downloads) == {}

    asyncio.run(scenario())


def test_a_download_that_fails_says_why(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.refusal = DownloadFailed("There is no room for it.")
        world.fetched.set()
        keeper = world.keeper(OFFICIAL, fallback=False)
        with pytest.raises(ModelNotLoaded, match="no room"):
            await keeper.ensure(OFFICIAL)
        assert dict(keeper.downloads) == {}
        with pytest.raises(ModelNotLoaded, match="no room"):
            keeper.active()

    asyncio.run(scenario())


def test_the_download_for_a_switch_ends_when_that_is_cancelled(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.shared = SharedSettings(next_model=OFFICIAL)
        keeper = world.keeper()
        async with running(keeper):
            await until(lambda: OFFICIAL in keeper.downloads and FIRST in keeper.loaded)
            assert keeper.active().name == FIRST
            world.shared = SharedSettings()
            await until(lambda: OFFICIAL not in keeper.downloads)
            assert FALLBACK_MODEL not in world.runner.loads

    asyncio.run(scenario())


def test_a_model_that_is_not_the_one_of_its_name_never_answers_and_is_freed(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.refusal = ModelNotLoaded("first is another.")
        keeper = world.keeper(fallback=False)
        with pytest.raises(ModelNotLoaded, match="is another"):
            await keeper.ensure(FIRST)
        # The runner would give the same one again when the right files are back.
        assert set(world.runner.memory) == set()
        world.refusal = None
        assert (await keeper.ensure(FIRST)).name == FIRST
        assert world.runner.loads == [FIRST, FIRST]
        assert dict(keeper.problems) == {}

    asyncio.run(scenario())


def test_a_model_that_could_not_be_checked_answers_until_it_proves_to_be_another(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.refusal = DatabaseError()
        keeper = world.keeper(fallback=False)
        async with running(keeper):
            await until(lambda: FIRST in keeper.loaded)
            assert keeper.active().name == FIRST
            world.refusal = ModelNotLoaded("first is another.")
            await until(lambda: FIRST not in keeper.loaded)
            with pytest.raises(ModelNotLoaded, match="is another"):
                keeper.active()
            # Before it is tried anew, for the runner would give the same one again.
            await until(lambda: len(world.runner.freed) > 1)
            assert world.runner.loads.index(FIRST, 1) == world.runner.freed[0]

    asyncio.run(scenario())


def test_a_model_that_is_checked_late_and_right_is_checked_no_more(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.refusal = DatabaseError()
        keeper = world.keeper()
        async with running(keeper):
            await until(lambda: FIRST in keeper.loaded)
            world.refusal = None
            checks = world.checks[FIRST]
            await until(lambda: world.checks[FIRST] > checks)
            world.shared = SharedSettings(next_model=SECOND)
            await until(lambda: SECOND in keeper.loaded)
            world.refusal = ModelNotLoaded("It is another.")
            world.shared = SharedSettings(next_model=BESIDE)
            await until(lambda: BESIDE in keeper.problems)
            assert set(keeper.loaded) >= {FIRST}

    asyncio.run(scenario())


def test_a_runner_that_frees_nothing_holds_up_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.runner.keeps_all = True
        world.shared = SharedSettings(next_model=SECOND)
        keeper = world.keeper()
        async with running(keeper):
            await until(lambda: SECOND in keeper.loaded)
            world.shared = SharedSettings(next_model=BESIDE)
            await until(lambda: set(keeper.loaded) == {FIRST, BESIDE})

    asyncio.run(scenario())


def test_who_asks_for_a_model_while_it_is_loading_waits_for_the_same_load(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        keeper = world.keeper()
        found = await asyncio.gather(*(keeper.ensure(SECOND) for _ in range(5)))
        assert {model.name for model in found} == {SECOND}
        assert world.runner.loads == [SECOND]

    asyncio.run(scenario())


def test_the_problem_of_a_model_is_forgotten_when_nobody_wants_it_any_more(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        world.runner.broken = {SECOND}
        world.shared = SharedSettings(next_model=SECOND)
        keeper = world.keeper()
        async with running(keeper):
            await until(lambda: set(keeper.problems) == {SECOND})
            world.shared = SharedSettings()
            await until(lambda: not keeper.problems)

    asyncio.run(scenario())
