"""What the keeper loads and frees while models are switched, downloaded and refused."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rollcall.core.calibration import Calibrations
from rollcall.core.errors import DatabaseError, InternalError, ModelNotLoaded
from rollcall.core.faces import FALLBACK_MODEL, Reading, ReadRequest
from rollcall.core.models import LoadedModel
from rollcall.core.shared_settings import SharedSettings
from rollcall.modelstore.catalog import Pack
from rollcall.modelstore.choice import ModelChoice
from rollcall.modelstore.download import DownloadFailed
from rollcall.modelstore.keeper import ModelKeeper, Progress

FIRST, SECOND, BESIDE, OFFICIAL = "first", "second", "beside", "buffalo_l"
LIMIT_SECONDS = 30.0


class Runner:
    """core.ports.FaceReader that reads nothing, and loads what is not broken once it is not held."""

    def __init__(self) -> None:
        self.memory: set[str] = set()
        self.freed: list[int] = []  # after how many loads
        self.loads: list[str] = []
        self.broken: set[str] = set()
        self.holds: dict[str, asyncio.Event] = {}
        self.keeps_all = False

    async def read(self, request: ReadRequest) -> Reading:
        raise AssertionError(f"{request.model} was asked to read")

    async def load(self, model: str) -> LoadedModel:
        self.loads.append(model)
        if model in self.holds:
            await self.holds[model].wait()
        if model in self.broken:
            raise ModelNotLoaded("its file is damaged.")
        self.memory.add(model)
        return LoadedModel(name=model, backend="none", dimension=512)

    async def unload(self, model: str) -> None:
        if self.keeps_all:
            raise InternalError("It does not let go.")
        self.memory.discard(model)
        self.freed.append(len(self.loads))


class World:
    """All that the keeper asks, and that a test can change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runner = Runner()
        self.shared = SharedSettings()
        self.needed: set[str] = set()
        self.looks = 0  # how often the keeper looked for what it can free
        self.refusal: Exception | None = None
        self.fetched = asyncio.Event()
        self.progress: tuple[int, int | None] = (1, 4)
        for name in (FIRST, SECOND, BESIDE):
            self.put(name)

    def put(self, name: str) -> None:
        for file in ("det.onnx", "rec.onnx"):
            (self.folder / name).mkdir(exist_ok=True)
            (self.folder / name / file).touch()

    async def check(self, _model: LoadedModel) -> None:
        if self.refusal is not None:
            raise self.refusal

    async def fetch(self, pack: Pack, progress: Progress) -> None:
        progress(*self.progress)
        await self.fetched.wait()
        if self.refusal is not None:
            raise self.refusal
        self.put(pack.name)

    def needed_besides(self, _model: str) -> frozenset[str]:
        self.looks += 1
        return frozenset(self.needed)

    def keeper(
        self, name: str = FIRST, *, fallback: bool = True, further: tuple[str, ...] = ()
    ) -> ModelKeeper:
        choice = ModelChoice(
            name=name,
            model_dir=self.folder,
            download=True,
            fallback=fallback,
            min_similarity=0.1,
            further=further,
        )
        return ModelKeeper(
            choice=choice,
            faces=self.runner,
            fetch=self.fetch,
            check=self.check,
            calibrations=Calibrations,
            shared=lambda: self.shared,
            needed=self.needed_besides,
        )


@asynccontextmanager
async def running(keeper: ModelKeeper) -> AsyncIterator[None]:
    task = asyncio.create_task(keeper.run())
    try:
        yield
    finally:
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


def test_the_model_that_a_switch_goes_to_is_loaded_beside_and_freed_when_it_is_cancelled(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        world = World(tmp_path)
        keeper = world.keeper()
        async with running(keeper):
            await until(lambda: world.runner.memory == {FIRST})
            world.shared = SharedSettings(next_model=SECOND)
            await until(lambda: world.runner.memory == {FIRST, SECOND})
            assert set(keeper.loaded) == {FIRST, SECOND}
            assert keeper.active().name == FIRST
            world.shared = SharedSettings()
            await until(lambda: world.runner.memory == {FIRST})
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
            await until(lambda: world.runner.memory == {FIRST})

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
            assert world.runner.memory == {FIRST, SECOND, BESIDE}
            world.needed = set()
            await until(lambda: world.runner.memory == {SECOND, BESIDE})

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
            assert world.runner.memory == {FIRST}

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
            await until(lambda: world.runner.memory == {OFFICIAL})
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
            await until(lambda: OFFICIAL in keeper.downloads)
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
        assert world.runner.memory == set()
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
