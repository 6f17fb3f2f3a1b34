"""Downloads that do not wait long before they try again, and what they leave in MODEL_DIR."""

import asyncio
from pathlib import Path

import pytest

from rollcall.modelstore.catalog import Pack
from rollcall.modelstore.download import DownloadFailed, Limits, download
from tests.pack_server import ARCHIVE, DETECTOR, RECOGNISER, Answer

GOOD = {"/tiny.zip": Answer(body=ARCHIVE)}
ONCE = Limits(retry_pauses_seconds=())
QUICK = Limits(retry_pauses_seconds=(0.01, 0.02))


def fetch(pack: Pack, model_dir: Path, mirror: str | None = None, limits: Limits = QUICK) -> None:
    asyncio.run(download(pack, model_dir=model_dir, mirror=mirror, limits=limits))


def failure(pack: Pack, model_dir: Path, mirror: str | None = None, limits: Limits = QUICK) -> str:
    """Why the download failed; it must have left nothing behind."""
    said = failure_on_the_way(pack, model_dir, mirror, limits)
    assert files_in(model_dir) == {}
    return said


def failure_on_the_way(pack: Pack, model_dir: Path, mirror: str | None = None, limits: Limits = QUICK) -> str:
    """Why the download failed; it may have left what had come, but nothing that looks like a pack."""
    with pytest.raises(DownloadFailed) as raised:
        fetch(pack, model_dir, mirror, limits)
    assert set(files_in(model_dir)) <= {".tiny.partial", ".tiny.partial/archive", ".tiny.partial/source.json"}
    return str(raised.value)


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): b"" if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
    }


def assert_installed(model_dir: Path) -> None:
    """The two networks are there, and nothing else."""
    assert files_in(model_dir) == {"tiny": b"", "tiny/det.onnx": DETECTOR, "tiny/rec.onnx": RECOGNISER}
