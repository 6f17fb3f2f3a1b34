"""An app with the synthetic pack on an empty SQLite database, with any settings."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from rollcall import compose
from rollcall.api.body_budget import BodyBudget
from rollcall.api.security import Gate
from rollcall.core.faces import Reading, ReadRequest
from rollcall.core.models import LoadedModel
from rollcall.core.ports import FaceReader
from rollcall.core.settings import Settings
from tests.live_app import LiveApp
from tests.packs import write_pack

PACK_NAME = "synthetic"
StartApp = Callable[..., httpx.Client]
StartHeld = Callable[..., tuple[httpx.Client, Gate]]


class HeldReader:
    """Reads no picture while it is held."""

    def __init__(self, faces: FaceReader) -> None:
        self._faces = faces
        self.held = False
        self.cancelled = 0

    async def read(self, request: ReadRequest) -> Reading:
        try:
            while self.held:
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return await self._faces.read(request)

    async def load(self, model: str) -> LoadedModel:
        return await self._faces.load(model)

    async def unload(self, model: str) -> None:
        await self._faces.unload(model)


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_pack(folder / PACK_NAME)
    return folder


@pytest.fixture(scope="session")
def reader(model_dir: Path) -> FaceReader:
    return compose.local_reader(Settings(_env_file=None, model_dir=model_dir))


def settings_for(model_dir: Path, folder: Path, **settings: Any) -> Settings:
    """Settings for tests: the synthetic pack, a database in the folder, no limits."""
    chosen = {
        "model_dir": model_dir,
        "insightface_model": PACK_NAME,
        "database_url": f"sqlite:///{folder}/rollcall.db",
        "rate_limit_per_minute": 0,
        "auto_download_models": False,
        "enable_face_quality_check": False,
        "import_dir": folder / "imports",
        **settings,
    }
    return Settings(_env_file=None, **chosen)


@pytest.fixture
def start_app(model_dir: Path, reader: FaceReader, tmp_path: Path) -> Iterator[StartApp]:
    """Start apps with these settings; all stop after the test."""
    with ExitStack() as apps:
        yield lambda **settings: apps.enter_context(
            LiveApp(settings_for(model_dir, tmp_path, **settings), reader)
        )


@pytest.fixture
def api(start_app: StartApp) -> httpx.Client:
    """An app with nothing enrolled."""
    return start_app()


@pytest.fixture
def held(reader: FaceReader) -> HeldReader:
    return HeldReader(reader)


@pytest.fixture
def start_held(model_dir: Path, held: HeldReader, tmp_path: Path) -> Iterator[StartHeld]:
    """Start an app whose pictures can be held, perhaps with a budget for bodies, and get its gate too."""
    with ExitStack() as apps:

        def start(bodies: BodyBudget | None = None, **settings: object) -> tuple[httpx.Client, Gate]:
            live = LiveApp(settings_for(model_dir, tmp_path, **settings), held)
            if bodies is not None:
                live.app.state.guards = replace(live.app.state.guards, bodies=bodies)
            return apps.enter_context(live), live.app.state.guards.gate

        yield start
        held.held = False
