"""A keeper of models, and a world about it that a test can change."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from rollcall.core.calibration import Calibrations
from rollcall.core.errors import InternalError, ModelNotLoaded, RunnerAway
from rollcall.core.faces import Reading, ReadRequest
from rollcall.core.models import LoadedModel
from rollcall.core.shared_settings import SharedSettings
from rollcall.modelstore.catalog import Pack
from rollcall.modelstore.choice import ModelChoice
from rollcall.modelstore.keeper import SETTLE_SECONDS, ModelKeeper, Progress

FIRST, SECOND, BESIDE, OFFICIAL = "first", "second", "beside", "buffalo_l"
LIMIT_SECONDS = 30.0


class Runner:
    """core.ports.FaceReader that reads nothing, and loads what is not broken once it is not held.

    `loads` are those from the files, in order.
    """

    def __init__(self) -> None:
        self.memory: dict[str, LoadedModel] = {}
        self.freed: list[int] = []  # after how many loads
        self.loads: list[str] = []
        self.broken: set[str] = set()
        self.holds: dict[str, asyncio.Event] = {}
        self.keeps_all = False
        self.is_away = False
        self.asked_away = 0  # how often it was asked while it was away
        self.let_go = asyncio.Event()
        self.let_go.set()

    async def read(self, request: ReadRequest) -> Reading:
        raise AssertionError(f"{request.model} was asked to read")

    async def load(self, model: str) -> LoadedModel:
        if self.is_away:
            self.asked_away += 1
            raise RunnerAway
        if model not in self.memory:
            self.loads.append(model)
            if model in self.holds:
                await self.holds[model].wait()
            if model in self.broken:
                raise ModelNotLoaded("its file is damaged.")
            self.memory[model] = LoadedModel(
                name=model, backend="none", dimension=512, load_id=str(len(self.loads))
            )
        return self.memory[model]

    async def unload(self, model: str) -> None:
        if self.keeps_all:
            raise InternalError("It does not let go.")
        await self.let_go.wait()
        self.memory.pop(model, None)
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
        self.settle_seconds = SETTLE_SECONDS
        self.checks = Counter[str]()
        self.let_check = asyncio.Event()
        self.let_check.set()
        self.fetched = asyncio.Event()
        self.progress: tuple[int, int | None] = (1, 4)
        for name in (FIRST, SECOND, BESIDE):
            self.put(name)

    def put(self, name: str) -> None:
        for file in ("det.onnx", "rec.onnx"):
            (self.folder / name).mkdir(exist_ok=True)
            (self.folder / name / file).touch()

    async def check(self, model: LoadedModel) -> None:
        self.checks[model.name] += 1
        await self.let_check.wait()
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
            settle_seconds=self.settle_seconds,
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
