"""Archive files: whole ones, damaged ones, encrypted ones."""

import gzip
import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rollcall.archive import encryption, parts, writer
from rollcall.archive.files import ArchiveFiles
from rollcall.archive.tar import END, Member, write_member
from rollcall.core.backup import ALL_COLUMNS, Batch, Contents, Manifest, Origin, Row, Section
from rollcall.core.errors import InvalidRequest

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


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_what_was_written_is_read(tmp_path: Path, passphrase: bytes | None) -> None:
    manifest = write(tmp_path / "a", passphrase=passphrase)
    found, told = read(tmp_path / "a", passphrase)
    assert [(one.section, one.columns, list(one.rows)) for one in found] == [
        (one.section, one.columns, list(one.rows)) for one in BATCHES
    ]
    assert told == manifest
    assert told.origin == ORIGIN
    assert [part.name for part in told.parts] == [
        "students-000001.jsonl.gz",
        "faces-000001.jsonl.gz",
        "faces-000002.jsonl.gz",
    ]


def test_other_programs_can_read_an_archive(tmp_path: Path) -> None:
    write(tmp_path / "a")
    with tarfile.open(tmp_path / "a") as tar:
        content = {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]
    header, row = gzip.decompress(content["students-000001.jsonl.gz"]).splitlines()
    assert json.loads(header) == list(ALL_COLUMNS[Section.STUDENTS])
    assert json.loads(row)[3] == "Zoë 王 🎓"
    told = json.loads(content["manifest.json"])
    assert (told["format"], told["version"], told["database"]) == ("rollcall-backup", 1, "sqlite")
    assert told["counts"]["faces"] == 2
    for part in told["parts"]:
        assert hashlib.sha256(content[part["name"]]).hexdigest() == part["sha256"]


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_every_changed_byte_is_noticed(tmp_path: Path, passphrase: bytes | None) -> None:
    write(tmp_path / "a", passphrase=passphrase)
    whole = (tmp_path / "a").read_bytes()
    # Each byte of the beginning, of the middle and of the end, and some of all between.
    places = {*range(600), *range(len(whole) - 1100, len(whole)), *range(0, len(whole), 7)}
    for place in sorted(places):
        changed = bytearray(whole)
        changed[place] ^= 1
        (tmp_path / "b").write_bytes(changed)
        with pytest.raises(InvalidRequest):
            read(tmp_path / "b", passphrase)


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_an_archive_that_was_cut_or_lengthened_is_refused(tmp_path: Path, passphrase: bytes | None) -> None:
    write(tmp_path / "a", passphrase=passphrase)
    whole = (tmp_path / "a").read_bytes()
    pieces = [whole[:length] for length in {*range(0, len(whole), 128), len(whole) - 1, len(whole) - 512}]
    for piece in (*pieces, whole + b"\0", whole + whole, whole + bytes(512)):
        (tmp_path / "b").write_bytes(piece)
        with pytest.raises(InvalidRequest):
            read(tmp_path / "b", passphrase)


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


def forged(file: Path, *members: tuple[str, bytes]) -> None:
    with file.open("wb") as raw:
        for name, content in members:
            write_member(raw, Member(name=name, content=content))
        raw.write(END)


def members_of(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]


Forgery = Callable[[dict[str, bytes]], list[tuple[str, bytes]]]
FORGERIES: dict[str, Forgery] = {
    "a part is missing": lambda all: [it for it in all.items() if it[0] != "faces-000002.jsonl.gz"],
    "the first of two parts is missing": lambda all: [
        it for it in all.items() if it[0] != "faces-000001.jsonl.gz"
    ],
    "a part twice": lambda all: [*list(all.items())[:1], *all.items()],
    "parts in another order": lambda all: [list(all.items())[place] for place in (1, 2, 0, 3)],
    "a file of another name": lambda all: [("../../etc/passwd", b"x"), *all.items()],
    "a part too many": lambda all: [
        *list(all.items())[:-1],
        ("logs-000001.jsonl.gz", parts.encode(batch(Section.LOGS))),
        *list(all.items())[-1:],
    ],
    "something after the manifest": lambda all: [
        *all.items(),
        ("logs-000001.jsonl.gz", parts.encode(batch(Section.LOGS))),
    ],
    "two manifests": lambda all: [*all.items(), *list(all.items())[-1:]],
    "no manifest": lambda all: list(all.items())[:-1],
    "another part's content": lambda all: list(
        {**all, "faces-000001.jsonl.gz": all["faces-000002.jsonl.gz"]}.items()
    ),
    "nothing": lambda _all: [],
    "no JSON": lambda all: list({**all, "manifest.json": b"{"}.items()),
    "a manifest that is a list": lambda all: list({**all, "manifest.json": b"[]"}.items()),
    "fewer columns": lambda all: list(
        {**all, "students-000001.jsonl.gz": gzip.compress(b'["Id"]\n[1]\n')}.items()
    ),
    "rows of another length": lambda all: list(
        {
            **all,
            "students-000001.jsonl.gz": gzip.compress(
                json.dumps(list(ALL_COLUMNS[Section.STUDENTS])).encode() + b"\n[1]\n"
            ),
        }.items()
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=list(FORGERIES))
def test_a_forged_archive_is_refused(tmp_path: Path, forgery: Forgery) -> None:
    write(tmp_path / "a")
    forged(tmp_path / "b", *members_of(tmp_path / "a").items())
    read(tmp_path / "b")
    forged(tmp_path / "b", *forgery(members_of(tmp_path / "a")))
    with pytest.raises(InvalidRequest):
        read(tmp_path / "b")


def test_an_archive_of_a_newer_version_says_so(tmp_path: Path) -> None:
    forged(tmp_path / "a", ("manifest.json", b'{"format": "rollcall-backup", "version": 2, "sha256": ""}'))
    with pytest.raises(InvalidRequest, match="newer version"):
        read(tmp_path / "a")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x1f\x8b", b"x" * 5000, bytes(5000)])
def test_any_other_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InvalidRequest):
        read(tmp_path / "a")


def test_a_few_bytes_cannot_become_gigabytes() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([packer.compress(bytes(2**20)) for _ in range(200)] + [packer.flush()])
    assert len(bomb) < 2**21
    with pytest.raises(InvalidRequest):
        parts.decode(Section.FACES, bomb)


def test_a_row_that_could_not_be_read_back_is_refused(tmp_path: Path) -> None:
    for cell in ("x" * (129 * 2**20), os.urandom(65 * 2**20)):
        with pytest.raises(InvalidRequest, match="faces is too large: 4"):
            write(tmp_path / "a", [batch(Section.FACES, (*FACE[:-1], cell))])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "cell", ["true", "{}", '{"base64": "x"}', '{"base64": 1}', '{"other": "eA=="}', "[]", str(2**63)]
)
def test_values_that_no_database_has_are_refused(cell: str) -> None:
    columns = ALL_COLUMNS[Section.SETTINGS]
    lines = f"{json.dumps(list(columns))}\n[{cell}, 1, 2]\n"
    with pytest.raises(InvalidRequest, match="settings that cannot be read"):
        parts.decode(Section.SETTINGS, gzip.compress(lines.encode()))


def test_big_pictures_are_spread_over_parts(tmp_path: Path) -> None:
    picture = bytes(20 * 2**20)
    rows = [(number, *FACE[1:-1], picture) for number in range(3)]
    manifest = write(tmp_path / "a", [batch(Section.FACES, *rows)])
    assert [part.rows for part in manifest.parts] == [1, 1, 1]
    assert [row for one in read(tmp_path / "a")[0] for row in one.rows] == rows


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(InvalidRequest, match="exists"):
        write(tmp_path / "a")
    assert (tmp_path / "a").read_text() == "mine"
    with FILES.create(tmp_path / "a", ORIGIN, Contents(), passphrase=None, overwrite=True):
        assert (tmp_path / "a").read_text() == "mine"
    assert read(tmp_path / "a")[0] == []


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidRequest, match="exists"),
        FILES.create(tmp_path / "a", ORIGIN, Contents(), passphrase=None, overwrite=False),
    ):
        (tmp_path / "a").write_text("mine")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "mine"


def test_only_the_owner_may_read_an_archive(tmp_path: Path) -> None:
    write(tmp_path / "a")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyError),
        FILES.create(tmp_path / "a", ORIGIN, Contents(), passphrase=None, overwrite=False),
    ):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["missing/a", "folder"])
def test_a_place_that_is_no_file_is_told(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    with (
        pytest.raises(InvalidRequest, match="cannot be written"),
        FILES.create(tmp_path / place, ORIGIN, Contents(), passphrase=None, overwrite=True),
    ):
        pass
    with pytest.raises(InvalidRequest, match="cannot be read"):
        read(tmp_path / place)


def test_names_of_parts_are_in_order() -> None:
    assert writer.part_name(Section.LOGS, 12) == "logs-000012.jsonl.gz"
