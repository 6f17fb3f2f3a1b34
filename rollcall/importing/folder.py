"""Photos in a folder."""

import os
import stat
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from rollcall.core.imports import MAX_PHOTO_BYTES, PhotoTrouble, Trouble
from rollcall.importing.photo_names import (
    EMPTY,
    MISSING,
    OUTSIDE,
    TOO_LARGE,
    UNREADABLE,
    NameIndex,
    is_picture,
    path_of,
)
from rollcall.importing.refusals import unusable

# Whatever lies there under a photo's name, such as a pipe that nobody writes to, must not hold us up.
_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


class FolderPhotos:
    """Implements importing.photo_sources.PhotoSource. The folder is looked through once."""

    def __init__(self, folder: Path) -> None:
        """Raises InvalidRequest: there is no such folder."""
        if not folder.is_dir():
            raise unusable("The folder of photos does not exist.", "Check its name.")
        self._folder = folder
        self._real = folder.resolve()

    @cached_property
    def index(self) -> NameIndex:
        try:
            return NameIndex(_names(self._folder))
        except OSError as error:
            reason = f"The folder of photos cannot be read: {error.strerror}."
            raise unusable(reason, "Check who may read it.") from None

    def require_some(self) -> None:
        """Raises InvalidRequest: there is no photo in it, nor in any folder there."""
        below = (name for _, _, names in os.walk(self._folder) for name in names)
        if not any(self.index.people()) and not any(map(is_picture, below)):
            raise unusable("There are no photos in the folder.", "Put them there, or name another folder.")

    def read(self, name: str) -> bytes:
        """Raises PhotoTrouble."""
        path = path_of(name)
        if isinstance(path, Trouble):
            raise PhotoTrouble(path)
        try:
            try:
                return self._read(path)
            except FileNotFoundError:
                other = self.index.like(path)
                if other is None:
                    raise PhotoTrouble(MISSING) from None
                return self._read(other)
        except FileNotFoundError:
            raise PhotoTrouble(MISSING) from None
        except (OSError, ValueError):
            raise PhotoTrouble(UNREADABLE) from None

    def _read(self, path: str) -> bytes:
        real = (self._folder / path).resolve()
        if not real.is_relative_to(self._real):
            raise PhotoTrouble(OUTSIDE)
        with os.fdopen(os.open(real, _FLAGS), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise PhotoTrouble(UNREADABLE)
            if found.st_size > MAX_PHOTO_BYTES:
                raise PhotoTrouble(TOO_LARGE)
            content = file.read(MAX_PHOTO_BYTES + 1)
        return require_size(content)


def require_size(content: bytes) -> bytes:
    """Raises PhotoTrouble for nothing, and for too much."""
    if not content:
        raise PhotoTrouble(EMPTY)
    if len(content) > MAX_PHOTO_BYTES:
        raise PhotoTrouble(TOO_LARGE)
    return content


def _names(folder: Path) -> Iterator[str]:
    """Pictures in the folder, and in folders there."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                with os.scandir(entry.path) as inside:
                    yield from (f"{entry.name}/{one.name}" for one in inside if is_picture(one.name))
            elif is_picture(entry.name):
                yield entry.name
