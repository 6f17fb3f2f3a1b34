"""An archive that comes in pieces, over several connections or runs of the server. All of it blocks."""

import hashlib
import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final, Self

from rollcall.modelstore.model_folder import delete

_CHUNK_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the bytes are from.

    `wanted` is the SHA-256 that the whole archive shall have, `address` the SHA-256 of the address, which may
    be secret. `validator` is the server's ETag or Last-Modified, which another file would not have; None if
    the server gave neither.
    """

    wanted: str
    address: str
    validator: str | None

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """What was written there; None if that is nothing one can understand."""
        try:
            found = json.loads(file.read_bytes())
            return cls(
                wanted=str(found["wanted"]), address=str(found["address"]), validator=found["validator"]
            )
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None


class PartialArchive:
    """The bytes that have come so far, with their digest. One process at a time may have it open.

    What is there when the process ends, or is killed, is found by the next one.
    """

    def __init__(self, folder: Path, *, wanted: str) -> None:
        self.file = folder / "archive"
        self.unpacked = folder / "pack"
        self.size = 0
        self.resumed = False
        self.source: Source | None = None
        self._folder = folder
        self._source_file = folder / "source.json"
        self._wanted = wanted
        self._digest = hashlib.sha256()
        self._opened: BinaryIO | None = None

    def open(self) -> None:
        """Take up what an earlier try left.

        Raises:
            OSError: the folder cannot be written to.
        """
        self._folder.mkdir(exist_ok=True)
        if self.unpacked.exists():
            delete(self.unpacked)
        self._opened = self.file.open("ab+")
        self.source = Source.read(self._source_file)
        if self.source is None or self.source.wanted != self._wanted:
            return self.empty()
        self._opened.seek(0)
        while chunk := self._opened.read(_CHUNK_BYTES):
            self._digest.update(chunk)
            self.size += len(chunk)
        return None

    def is_whole(self) -> bool:
        return self._digest.hexdigest() == self._wanted

    def empty(self) -> None:
        """Forget all bytes."""
        if self._archive.seek(0, os.SEEK_END):
            self._archive.truncate(0)
        self._digest = hashlib.sha256()
        self.size = 0
        self.resumed = False
        self.source = None

    def comes_from(self, source: Source) -> None:
        """What is appended from here on is from there."""
        if source != self.source:
            self._source_file.write_text(json.dumps(asdict(source)))
            self.source = source

    def append(self, chunk: bytes) -> None:
        self._archive.write(chunk)
        self._archive.flush()
        self._digest.update(chunk)
        self.size += len(chunk)

    def close(self) -> None:
        """Leave the bytes to the next try; without any, nothing is left."""
        if self._opened is not None:
            # What could not be written would be tried again here, and was reported.
            with suppress(OSError):
                self._opened.close()
        if self.size == 0:
            self.remove()
        else:
            shutil.rmtree(self.unpacked, ignore_errors=True)

    def remove(self) -> None:
        """Leave nothing."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _archive(self) -> BinaryIO:
        assert self._opened is not None
        return self._opened
