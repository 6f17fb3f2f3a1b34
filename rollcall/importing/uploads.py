"""What callers send for imports, on the server's disk: IMPORT_DIR."""

import errno
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final
from uuid import uuid4

from rollcall.core.errors import ImageTooLarge, StorageFull
from rollcall.importing.people_list import PeopleList
from rollcall.importing.photo_lists import ListedPhotos
from rollcall.importing.zipped import ZippedPhotos

# So much stays free besides.
RESERVE_BYTES: Final = 256 * 1024 * 1024
_FILES: Final = {"photos": "photos.zip", "csv": "people.csv"}
_ID: Final = re.compile(r"[0-9a-f]{32}")
_UNFINISHED: Final = ".part"
_LEFT_SECONDS: Final = 6 * 3600  # what lies about unfinished for so long was broken off
_LOOK_BYTES: Final = 16 * 1024 * 1024
_UNPACKED: Final = 4  # times MAX_IMPORT_MB


class FolderUploads:
    """Implements core.jobs.Uploads: a folder for each."""

    def __init__(self, folder: Path, max_bytes: int, reserve_bytes: int = RESERVE_BYTES) -> None:
        self._folder = folder
        self._reserve = reserve_bytes
        self.max_bytes = max_bytes

    def begin(self, declared_bytes: int | None) -> "FolderUpload":
        """See the Protocol."""
        self.require_fits(declared_bytes or 0)
        with _full_or_broken():
            self._folder.mkdir(parents=True, exist_ok=True)
            self.require_room(2 * (declared_bytes or 0))
            upload = FolderUpload(self, self._folder, uuid4().hex)
            upload.make()
        return upload

    def require_fits(self, size: int) -> None:
        if size > self.max_bytes:
            raise ImageTooLarge(
                "The upload is larger than the server takes.",
                suggestion="Make several imports of it, or raise MAX_IMPORT_MB.",
                max_bytes=self.max_bytes,
            )

    def require_room(self, size: int) -> None:
        """Of what is uploaded twice: the photos are stored as well, perhaps by a database on this disk."""
        if shutil.disk_usage(self._folder).free < size + self._reserve:
            raise StorageFull

    def ids(self) -> Sequence[str]:
        if not self._folder.is_dir():
            return []
        return [name for name in os.listdir(self._folder) if _ID.fullmatch(name)]

    def open(self, id: str) -> ListedPhotos:
        """See the Protocol."""
        folder = self._folder / id
        csv_file = folder / _FILES["csv"]
        photos = ZippedPhotos(folder / _FILES["photos"], _UNPACKED * self.max_bytes)
        return ListedPhotos(PeopleList(csv_file) if csv_file.exists() else None, photos)

    def remove(self, id: str) -> None:
        if _ID.fullmatch(id):
            shutil.rmtree(self._folder / id, ignore_errors=True)

    def sweep(self, known: Sequence[str]) -> None:
        """See the Protocol. Others on the same disk may be in the middle of theirs, so only what is old."""
        if not self._folder.is_dir():
            return
        for entry in list(os.scandir(self._folder)):
            unfinished = entry.name.endswith(_UNFINISHED) and _ID.match(entry.name)
            orphaned = _ID.fullmatch(entry.name) and entry.name not in known
            if (unfinished or orphaned) and time.time() - entry.stat().st_mtime > _LEFT_SECONDS:
                shutil.rmtree(entry.path, ignore_errors=True)


class FolderUpload:
    """Implements core.jobs.Upload."""

    def __init__(self, uploads: FolderUploads, folder: Path, id: str) -> None:
        self.id = id
        self._uploads = uploads
        self._unfinished = folder / f"{id}{_UNFINISHED}"
        self._finished = folder / id
        self._files: dict[str, IO[bytes]] = {}
        self._size = self._looked = 0

    def make(self) -> None:
        self._unfinished.mkdir(mode=0o700)

    def write(self, part: str, data: bytes) -> None:
        """See the Protocol."""
        self._size += len(data)
        with _full_or_broken():
            self._uploads.require_fits(self._size)
            if self._size - self._looked > _LOOK_BYTES:
                self._uploads.require_room(self._size + len(data))
                self._looked = self._size
            if part not in self._files:
                self._files[part] = (self._unfinished / _FILES[part]).open("wb", buffering=0)
            written = self._files[part].write(data)
            while written < len(data):
                written += self._files[part].write(data[written:])

    def keep(self) -> None:
        with _full_or_broken():
            for file in self._files.values():
                os.fsync(file.fileno())
            self._close()
            self._unfinished.rename(self._finished)

    def discard(self) -> None:
        self._close()
        shutil.rmtree(self._unfinished, ignore_errors=True)
        shutil.rmtree(self._finished, ignore_errors=True)

    def _close(self) -> None:
        for file in self._files.values():
            file.close()


@contextmanager
def _full_or_broken() -> Iterator[None]:
    """What a disk says, as an error of ours."""
    try:
        yield
    except OSError as error:
        told = f"The upload cannot be stored: {error.strerror}."
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(told) from None
        raise StorageFull(told, suggestion="See who may write to IMPORT_DIR.") from None
