"""An app with the synthetic pack on an empty SQLite database, with any settings."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from rollcall import compose
from rollcall.core.ports import FaceReader
from rollcall.core.settings import Settings
from tests.live_app import LiveApp
from tests.packs import write_pack

PACK_NAME = "synthetic"
StartApp = Callable[..., httpx.Client]


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
