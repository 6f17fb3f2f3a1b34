"""Archives to test with."""

import tarfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rollcall.archive import encryption
from rollcall.archive.files import ArchiveFiles
from rollcall.archive.tar import END, Member, write_member
from rollcall.core.backup import ALL_COLUMNS, Batch, Contents, Manifest, Origin, Row, Section

ORIGIN = Origin(created=datetime(2026, 3, 1, 12, 30, tzinfo=UTC), version="1.2.3", database="sqlite")
STUDENT: Row = (1, "S1", None, "Zoë 王 🎓", None, None, None, "2024-02-30", b"\xff\xd8 picture")
FACE: Row = (4, "student", "S1", "[0.1, 2e-3]", None, "image/jpeg", -1.5, b"")
PASSPHRASE = "пароль".encode()


def batch(section: Section, *rows: Row) -> Batch:
    return Batch(section=section, columns=ALL_COLUMNS[section], rows=rows)


CHEAP = encryption.KeyCost(passes=1, memory_bytes=8192)
FILES = ArchiveFiles(CHEAP)
BATCHES = (batch(Section.STUDENTS, STUDENT), batch(Section.FACES, FACE), batch(Section.FACES, (5, *FACE[1:])))


def write(file: Path, batches: Sequence[Batch] = BATCHES, passphrase: bytes | None = None) -> Manifest:
    contents = Contents(images=True)
    with FILES.create(file, ORIGIN, contents, passphrase=passphrase, overwrite=False) as archive:
        for each in batches:
            archive.add(each)
    return archive.manifest


def read(file: Path, passphrase: bytes | None = None) -> tuple[list[Batch], Manifest]:
    with FILES.open(file, passphrase=passphrase) as archive:
        return list(archive.batches()), archive.manifest


def forged(file: Path, *members: tuple[str, bytes]) -> None:
    with file.open("wb") as raw:
        for name, content in members:
            write_member(raw, Member(name=name, content=content))
        raw.write(END)


def members_of(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]
