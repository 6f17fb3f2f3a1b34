"""Photos in a zip, read straight from it: no name in it ever becomes a path."""

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from rollcall.core.errors import InvalidRequest
from rollcall.core.imports import MAX_PHOTO_BYTES, PhotoTrouble, Trouble
from rollcall.importing.folder import require_size
from rollcall.importing.photo_names import (
    MISSING,
    TOO_LARGE,
    UNREADABLE,
    NameIndex,
    is_picture,
    path_of,
    plain,
)
from rollcall.importing.refusals import unusable

MAX_ENTRIES: Final = 200_000
MAX_DIRECTORY_BYTES: Final = 64 * 1024 * 1024  # the list of entries, which is read at once
# Pictures are compressed by themselves, so what shrinks to a hundredth is none.
MAX_RATIO: Final = 100
_SMALL_BYTES: Final = 1024 * 1024
# Places in what zipfile finds at the end of a file.
_ENTRIES, _DIRECTORY_BYTES, _END = 4, 5, 9
_END_64_BYTES: Final = 76  # that may lie between the list of entries and the end
_ENTRY: Final = b"PK\1\2"
_ENCRYPTED: Final = 0x1
# NotImplementedError is what zipfile says to a version or a compression that it does not know.
_BROKEN: Final = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, ValueError, NotImplementedError),
)
_AS_A_ZIP: Final = "Put the photos into a new zip: on Windows select them, then Send to, Compressed folder."


class ZippedPhotos:
    """Implements importing.photo_sources.PhotoSource."""

    def __init__(self, file: Path, max_unpacked_bytes: int) -> None:
        """`max_unpacked_bytes`: of all that is in it.

        Raises:
            InvalidRequest: it is no zip, is broken, protected by a password, has another zip in it, or
                unpacks to too much.
        """
        try:
            _require_few_entries(file)
            self._zip = zipfile.ZipFile(file)
            for entry in self._zip.infolist():
                # Old programs of Windows write them so.
                entry.filename = entry.filename.replace("\\", "/")
            entries = [entry for entry in self._zip.infolist() if _counts(entry)]
        except _BROKEN:
            raise unusable("The zip of photos is broken, or no zip at all.", _AS_A_ZIP) from None
        _require_harmless(entries, max_unpacked_bytes)
        names = [entry.filename for entry in entries if is_picture(entry.filename)]
        if not names:
            raise unusable("There are no photos in the zip.", _AS_A_ZIP)
        wrapper = _wrapper(names)
        self._entries = {entry.filename.removeprefix(wrapper): entry for entry in entries}
        self._by_path = {plain(name): name for name in self._entries}
        self._wrapper = wrapper
        # The one folder of a zip may be a person's all the same, if the list has such a code.
        self.index = NameIndex(self._entries, NameIndex(dict.fromkeys(names)) if wrapper else None)

    def read(self, name: str) -> bytes:
        """Raises PhotoTrouble."""
        path = path_of(name)
        if isinstance(path, Trouble):
            raise PhotoTrouble(path)
        entry = self._entry(path)
        if entry is None:
            raise PhotoTrouble(MISSING)
        if entry.file_size > MAX_PHOTO_BYTES:
            raise PhotoTrouble(TOO_LARGE)
        try:
            with self._zip.open(entry) as file:
                # No more than that, whatever the zip says of its size.
                return require_size(file.read(MAX_PHOTO_BYTES + 1))
        except (*_BROKEN, RuntimeError, MemoryError):
            raise PhotoTrouble(UNREADABLE) from None

    def _entry(self, path: str) -> zipfile.ZipInfo | None:
        """The one of exactly this path, else the one that differs in case alone."""
        paths = (path, path.removeprefix(self._wrapper))
        alike = (self._by_path.get(plain(found)) for found in paths)
        names = (name for name in (*paths, *alike) if name in self._entries)
        return next((self._entries[name] for name in names), None)

    def close(self) -> None:
        self._zip.close()


def _require_few_entries(file: Path) -> None:
    """Before zipfile makes an object of each."""
    with file.open("rb") as raw:
        end: Sequence[Any] | None = zipfile._EndRecData(raw)  # type: ignore[attr-defined]
        if end is None:
            raise zipfile.BadZipFile
        if end[_ENTRIES] > MAX_ENTRIES or end[_DIRECTORY_BYTES] > MAX_DIRECTORY_BYTES:
            raise _too_many()
        # zipfile takes what lies there, whatever number of entries the zip says.
        size = end[_DIRECTORY_BYTES] + _END_64_BYTES
        raw.seek(max(0, end[_END] - size))
        if raw.read(size).count(_ENTRY) > MAX_ENTRIES:
            raise _too_many()


def _counts(entry: zipfile.ZipInfo) -> bool:
    """Folders, and what systems leave in zips, do not."""
    parts = entry.filename.split("/")
    return not entry.is_dir() and parts[0] != "__MACOSX" and not any(part.startswith(".") for part in parts)


def _require_harmless(entries: Sequence[zipfile.ZipInfo], max_unpacked_bytes: int) -> None:
    if len(entries) > MAX_ENTRIES:
        raise _too_many()
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise unusable("The zip is protected by a password.", f"Make one without. {_AS_A_ZIP}")
    if any(entry.filename.lower().endswith(".zip") for entry in entries):
        raise unusable(
            "There is another zip in the zip.", "Unpack it, and put the photos themselves into one zip."
        )
    if sum(entry.file_size for entry in entries) > max_unpacked_bytes or any(map(_swells, entries)):
        raise unusable(
            "The zip unpacks to far more than photos would.", "Put nothing but the photos into it."
        )


def _too_many() -> InvalidRequest:
    return unusable(
        f"The zip has more than {MAX_ENTRIES:,} files.", "Make several of it, and one import for each."
    )


def _swells(entry: zipfile.ZipInfo) -> bool:
    return entry.file_size > _SMALL_BYTES and entry.file_size > MAX_RATIO * entry.compress_size


def _wrapper(names: Sequence[str]) -> str:
    """The one folder around all photos, with its slash: zips are often made of a folder."""
    found = ""
    rest: Iterator[str] = iter(names)
    first = next(rest, "")
    while "/" in first.removeprefix(found):
        longer = found + first.removeprefix(found).partition("/")[0] + "/"
        if not all(name.startswith(longer) for name in names):
            break
        found = longer
    return found
