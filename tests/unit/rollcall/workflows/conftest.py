"""Models to switch between, and who reads pictures with them."""

from pathlib import Path

import pytest

from rollcall import compose
from rollcall.core.ports import FaceReader
from rollcall.core.settings import Settings
from tests.switching import write_models


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    return folder


@pytest.fixture(scope="session")
def reader(model_dir: Path) -> FaceReader:
    return compose.local_reader(Settings(_env_file=None, model_dir=model_dir))
