"""Archives with a passphrase."""

import io
import os
from pathlib import Path

import pytest

from rollcall.archive import encryption
from rollcall.archive.files import ArchiveFiles
from rollcall.core.backup import Contents
from rollcall.core.errors import InvalidRequest
from tests.unit.rollcall.archive.samples import CHEAP, ORIGIN, PASSPHRASE, read, write


def test_a_wrong_passphrase_is_told_from_damage(tmp_path: Path) -> None:
    write(tmp_path / "a", passphrase=PASSPHRASE)
    with pytest.raises(InvalidRequest, match="passphrase is wrong"):
        read(tmp_path / "a", b"another")
    with pytest.raises(InvalidRequest, match="needs its passphrase"):
        read(tmp_path / "a")
    damaged = bytearray((tmp_path / "a").read_bytes())
    damaged[-1] ^= 1
    (tmp_path / "a").write_bytes(damaged)
    with pytest.raises(InvalidRequest, match="tampered"):
        read(tmp_path / "a", PASSPHRASE)


def test_an_archive_that_lost_its_encryption_is_not_trusted(tmp_path: Path) -> None:
    write(tmp_path / "a")
    with pytest.raises(InvalidRequest, match="not encrypted"):
        read(tmp_path / "a", PASSPHRASE)


def test_the_usual_key_takes_64_megabytes_to_make(tmp_path: Path) -> None:
    with ArchiveFiles().create(
        tmp_path / "a", ORIGIN, Contents(), passphrase=PASSPHRASE, overwrite=False
    ) as archive:
        assert archive.manifest.parts == ()
    assert (tmp_path / "a").read_bytes()[21:29] == bytes([12, 0, 0, 0, 0, 0, 0, 4])
    assert read(tmp_path / "a", PASSPHRASE)[0] == []


def test_an_encrypted_archive_shows_nothing(tmp_path: Path) -> None:
    write(tmp_path / "a", passphrase=PASSPHRASE)
    content = (tmp_path / "a").read_bytes()
    for word in (b"students", b"faces", b"manifest", PASSPHRASE):
        assert word not in content


def test_messages_of_many_chunks_are_read_in_any_portions() -> None:
    text = os.urandom(3 * encryption.CHUNK)
    for length in (0, 1, encryption.CHUNK, encryption.CHUNK + 1, len(text)):
        file = io.BytesIO()
        sink = encryption.EncryptedSink(file, PASSPHRASE, CHEAP)
        for start in range(0, length, 1000):
            sink.write(text[start : min(start + 1000, length)])
        sink.finish()
        file.seek(len(encryption.MAGIC))
        source = encryption.DecryptedSource(file, PASSPHRASE)
        found = b""
        while portion := source.read(777):
            found += portion
        assert found == text[:length]
