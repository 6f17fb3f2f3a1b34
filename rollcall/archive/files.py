"""Archives as files: written beside their place and put there when they are complete."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from rollcall.archive.encryption import MAGIC, USUAL_COST, DecryptedSource, EncryptedSink, KeyCost
from rollcall.archive.reader import TarReader
from rollcall.archive.tar import Source
from rollcall.archive.writer import TarWriter
from rollcall.core.backup import Contents, Origin
from rollcall.core.errors import InvalidRequest


class ArchiveFiles:
    """Implements core.backup_ports.Archives."""

    def __init__(self, cost: KeyCost = USUAL_COST) -> None:
        """`cost` is that of new archives."""
        self._cost = cost

    @contextmanager
    def create(
        self, file: Path, origin: Origin, contents: Contents, *, passphrase: bytes | None, overwrite: bool
    ) -> Iterator[TarWriter]:
        """The file, which only its owner may read, is there when the block has ended, and complete.

        Raises:
            InvalidRequest: the file exists and must not be overwritten, or cannot be written.
        """
        self.check_place(file, overwrite=overwrite)
        try:
            # The mode of such a file is 0600.
            number, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)
        except OSError as error:
            raise _cannot_write(error) from None
        try:
            with os.fdopen(number, "wb") as raw:
                encrypted = EncryptedSink(raw, passphrase, self._cost) if passphrase is not None else None
                writer = TarWriter(encrypted or raw, origin, contents)
                yield writer
                writer.finish()
                if encrypted:
                    encrypted.finish()
                raw.flush()
                os.fsync(raw.fileno())
            _put(Path(name), file, overwrite)
        except OSError as error:
            raise _cannot_write(error) from None
        finally:
            Path(name).unlink(missing_ok=True)

    def check_place(self, file: Path, *, overwrite: bool) -> None:
        """Raises InvalidRequest: the file exists and must not be overwritten."""
        if not overwrite and file.exists():
            raise _exists()

    @contextmanager
    def open(self, file: Path, *, passphrase: bytes | None) -> Iterator[TarReader]:
        """Begin to read a file.

        Raises:
            InvalidRequest: there is no such file, it cannot be read, or the passphrase is wrong, missing or
                not needed.
        """
        try:
            with file.open("rb") as raw:
                yield TarReader(_clear(raw, passphrase), raw, os.fstat(raw.fileno()).st_size)
        except OSError as error:
            raise InvalidRequest(f"The archive cannot be read: {error.strerror}.") from None

    def is_encrypted(self, file: Path) -> bool:
        """Whether a passphrase is needed.

        Raises:
            InvalidRequest: the file cannot be read.
        """
        try:
            with file.open("rb") as raw:
                return raw.read(len(MAGIC)) == MAGIC
        except OSError as error:
            raise InvalidRequest(f"The archive cannot be read: {error.strerror}.") from None


def _clear(raw: BinaryIO, passphrase: bytes | None) -> Source:
    encrypted = raw.read(len(MAGIC)) == MAGIC
    if encrypted:
        if passphrase is None:
            raise InvalidRequest("The archive is encrypted, and needs its passphrase.")
        return DecryptedSource(raw, passphrase)
    if passphrase is not None:
        # Somebody may have put another archive in the place of an encrypted one.
        raise InvalidRequest("The archive is not encrypted: leave the passphrase out if that is right.")
    raw.seek(0)
    return raw


def _put(written: Path, place: Path, overwrite: bool) -> None:
    if overwrite:
        written.replace(place)
    else:
        try:
            # Unlike a rename, a link never overwrites.
            place.hardlink_to(written)
        except FileExistsError:
            raise _exists() from None
        except OSError:
            # Some file systems have no links.
            if place.exists():
                raise _exists() from None
            written.rename(place)
    with suppress(OSError):
        folder = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _exists() -> InvalidRequest:
    return InvalidRequest("The file exists already; --force overwrites it.")


def _cannot_write(error: OSError) -> InvalidRequest:
    return InvalidRequest(f"The archive cannot be written: {error.strerror}.")
