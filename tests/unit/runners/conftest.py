"""Models for the tests of the runners: the real pack of ../shared, and the synthetic one."""

from pathlib import Path

import pytest

from runners.backends import Backend
from runners.models import ModelCache
from tests.packs import SHARED, write_pack


def _models(folder: Path, backend: Backend = "auto") -> ModelCache:
    return ModelCache(model_dir=folder, threads=2, backend=backend, fallback_allowed=True)


@pytest.fixture(scope="session")
def real_models() -> ModelCache:
    """../shared/models, with the pack `scrfd_mbf`; mark tests that ask for it with `needs_shared`."""
    return _models(SHARED / "models")


@pytest.fixture(scope="session")
def exact_models() -> ModelCache:
    """The same, run as InsightFace runs it: ONNX Runtime, and no trimming."""
    return _models(SHARED / "models", backend="onnxruntime")


@pytest.fixture(scope="session")
def synthetic_models(tmp_path_factory: pytest.TempPathFactory) -> ModelCache:
    """A folder of models with the pack `synthetic`."""
    folder = tmp_path_factory.mktemp("models")
    write_pack(folder / "synthetic")
    return _models(folder)
