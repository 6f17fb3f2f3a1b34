"""Takes a pack out of MODEL_DIR. It blocks."""

import os
from pathlib import Path

from rollcall.core.errors import InvalidRequest
from rollcall.modelstore.lock import FileLock
from rollcall.modelstore.model_folder import (
    aside,
    delete,
    disk_problem,
    is_plain,
    lock_of,
    notes_of,
    partial_of,
    remove_stale,
)


def remove_pack(model_dir: Path, name: str) -> None:
    """Delete a pack's folder, what was noted about it, and what has come of a download of it.

    The folder first gets another name, in one step, so that nobody takes half of it for a pack.

    Raises:
        InvalidRequest: there is no such folder, somebody is downloading it, or it cannot be removed.
    """
    if not is_plain(name):
        raise InvalidRequest("A model pack's name must be a plain folder name.")
    folder, partial = model_dir / name, partial_of(model_dir, name)
    if not folder.is_dir() and not partial.is_dir():
        raise InvalidRequest(f"There is no model pack {name} in MODEL_DIR.")
    lock = FileLock(lock_of(model_dir, name))
    try:
        if not lock.take():
            raise InvalidRequest(f"{name} is being downloaded: stop that first.")
        remove_stale(model_dir)
        notes_of(model_dir, name).unlink(missing_ok=True)
        for path in (folder, partial):
            if os.path.lexists(path):
                removed = aside(model_dir, name, "removed")
                path.rename(removed)
                # New, so that nobody else clears it away as a leftover meanwhile.
                os.utime(removed, follow_symlinks=False)
                delete(removed)
    except OSError as error:
        raise InvalidRequest(f"{name} cannot be removed. {disk_problem(error)}") from None
    finally:
        lock.release()
