"""A folder for models, and no proxy on the way to the servers of these tests."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    return tmp_path / "models"
