"""A pack's two networks, out of its archive. All of it blocks."""

import hashlib
import lzma
import os
import zlib
from pathlib import Path
from typing import Final
from zipfile import BadZipFile, ZipFile, ZipInfo

from rollcall.modelstore.catalog import Pack, PackFile
from rollcall.modelstore.errors import DownloadFailed
from rollcall.modelstore.model_folder import require_room, sync

_CHUNK_BYTES: Final = 2**20
_BAD_ARCHIVE: Final = (BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError)


def unpack(archive: Path, folder: Path, pack: Pack, max_bytes: int) -> None:
    """Extract the two networks, and only these, into a new folder.

    No path in the archive is used, only the names we know; and no length, only what was written.

    Raises:
        DownloadFailed: the archive is not a whole one of this pack, or there is no room for its networks.
        OSError: the folder cannot be written to.
    """
    folder.mkdir()
    try:
        with ZipFile(archive) as opened:
            members = {file: _member(opened, file.name) for file in (pack.detector, pack.recogniser)}
            require_room(folder, sum(member.file_size for member in members.values()))
            for wanted, member in members.items():
                max_bytes -= _extract(opened, member, wanted, folder, max_bytes)
    except _BAD_ARCHIVE:
        raise DownloadFailed(f"{pack.archive.name} is damaged.") from None
    sync(folder)


def _member(opened: ZipFile, name: str) -> ZipInfo:
    """The file of this name, in whichever folder of the archive, the uppermost if there are several."""
    members = [member for member in opened.infolist() if member.filename.rpartition("/")[2] == name]
    if not members:
        raise DownloadFailed(f"{name} is not in the archive.")
    return min(members, key=lambda member: member.filename.count("/"))


def _extract(opened: ZipFile, member: ZipInfo, wanted: PackFile, folder: Path, max_bytes: int) -> int:
    digest = hashlib.sha256()
    size = 0
    with opened.open(member) as packed, (folder / wanted.name).open("xb") as file:
        while chunk := packed.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > max_bytes:
                raise DownloadFailed(f"{wanted.name} in the archive is larger than it may be.")
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != wanted.sha256:
        raise DownloadFailed(f"{wanted.name} in the archive is not the right file, its SHA-256 differs.")
    return size
