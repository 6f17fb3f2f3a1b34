"""What lies where in MODEL_DIR, and how it gets there. All of it blocks.

Beside a pack's folder NAME there may be, hidden, `.NAME.partial` (a download that is not finished),
`.NAME.lock` (held by who downloads or removes the pack) and `.NAME.verified.json` (what its files were when
they were last read).
"""

import errno
import logging
import os
import re
import shutil
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final
from uuid import uuid4

from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.settings import MODEL_NAME
from rollcall.modelstore.catalog import present
from rollcall.modelstore.errors import DownloadFailed

_log = logging.getLogger(__name__)

_ASIDE: Final = re.compile(r"\..+\.[0-9a-f]{32}\.(partial|removed)")
_STALE_SECONDS: Final = 24 * 3600
_MB: Final = 10**6


def is_plain(name: str) -> bool:
    """Whether a pack may be called so: the name becomes a folder, and must not lead out of MODEL_DIR."""
    return MODEL_NAME.fullmatch(name) is not None


def packs_in(model_dir: Path) -> list[str]:
    """The names of all packs that are there, in sorted order.

    A folder of the fallback engine's name is left out, for it could not be told from that.
    """
    try:
        names = sorted(path.name for path in model_dir.iterdir())
    except OSError:
        return []
    packs = [name for name in names if is_plain(name) and present(model_dir, name)]
    if FALLBACK_MODEL in packs:
        _warn_of_name()
        packs.remove(FALLBACK_MODEL)
    return packs


@cache
def _warn_of_name() -> None:
    """Once, though the folder is looked into often."""
    _log.warning(
        "The folder %s in MODEL_DIR is not used: that is the fallback engine's name. Give it another.",
        FALLBACK_MODEL,
    )


def lock_of(model_dir: Path, name: str) -> Path:
    return model_dir / f".{name}.lock"


def partial_of(model_dir: Path, name: str) -> Path:
    return model_dir / f".{name}.partial"


def notes_of(model_dir: Path, name: str) -> Path:
    return model_dir / f".{name}.verified.json"


def aside(model_dir: Path, name: str, why: str) -> Path:
    """A new hidden name, for what is about to appear (`why` is "partial") or to go ("removed")."""
    return model_dir / f".{name}.{uuid4().hex}.{why}"


def prepare(model_dir: Path) -> None:
    """Make MODEL_DIR, and clear away what killed processes left.

    Raises:
        OSError: MODEL_DIR cannot be made or read.
    """
    model_dir.mkdir(parents=True, exist_ok=True)
    remove_stale(model_dir)


def check_place(model_dir: Path, name: str) -> None:
    """Whether a pack can be put there.

    Raises:
        DownloadFailed: something is in its place that is no pack.
    """
    if _in_the_way(model_dir / name):
        raise _taken(name)


def remove_stale(model_dir: Path) -> None:
    """Remove what killed processes left behind. No download lasts a day, so nobody works there any more."""
    newest = time.time() - _STALE_SECONDS
    for path in model_dir.iterdir():
        with suppress(OSError):
            if _ASIDE.fullmatch(path.name) and path.lstat().st_mtime < newest:
                delete(path)


def delete(path: Path) -> None:
    """Remove a file, a link or a folder with all that it holds.

    Raises:
        OSError: something of it cannot be removed.
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def install(folder: Path, model_dir: Path, name: str) -> None:
    """Make the folder the pack `name`, in one step.

    Raises:
        DownloadFailed: something else has come into its place.
        OSError: it cannot be moved.
    """
    try:
        folder.rename(model_dir / name)
    except OSError:
        if present(model_dir, name):
            return  # Somebody put the pack there meanwhile.
        if _in_the_way(model_dir / name):
            raise _taken(name) from None
        raise
    sync(model_dir)


def _in_the_way(destination: Path) -> bool:
    if destination.is_dir():
        return any(destination.iterdir())
    return os.path.lexists(destination)


def _taken(name: str) -> DownloadFailed:
    return DownloadFailed(f"{name} is in MODEL_DIR already but lacks its .onnx files: complete or remove it.")


def require_room(folder: Path, needed_bytes: int) -> None:
    """Refuse at once what the disk cannot hold.

    Raises:
        DownloadFailed: so many bytes are not free.
        OSError: the disk cannot be asked.
    """
    free_bytes = shutil.disk_usage(folder).free
    if needed_bytes > free_bytes:
        raise DownloadFailed(
            f"The disk of MODEL_DIR has too little room: {-(-needed_bytes // _MB)} MB are needed, "
            f"{free_bytes // _MB} MB are free."
        )


def is_full(error: OSError) -> bool:
    """Whether it says that the disk, or the user's share of it, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def disk_problem(error: OSError) -> str:
    """What went wrong in MODEL_DIR, without the path."""
    if is_full(error):
        return "The disk of MODEL_DIR is full."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "MODEL_DIR cannot be written to."
    return f"MODEL_DIR cannot be used: {error.strerror or 'unknown error'}."


def sync(folder: Path) -> None:
    """Make the names in a folder survive a power cut. Not every file system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
