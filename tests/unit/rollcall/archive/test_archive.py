"""Archive files, whole and damaged."""

import gzip
import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest

from rollcall.archive import writer
from rollcall.core.backup import ALL_COLUMNS, Contents, Section
from rollcall.core.errors import InvalidRequest
from tests.unit.rollcall.archive.samples import BATCHES, FACE, FILES, ORIGIN, PASSPHRASE, batch, read, write


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


def test_big_pictures_are_spread_over_parts(tmp_path: Path) -> None:
    picture = bytes(20 * 2**20)
    rows = [(number, *FACE[1:-1], picture) for number in range(3)]
    manifest = write(tmp_path / "a", [batch(Section.FACES, *rows)])
    assert [part.rows for part in manifest.parts] == [1, 1, 1]
    assert [row for one in read(tmp_path / "a")[0] for row in one.rows] == rows


def test_the_largest_picture_is_read_back(tmp_path: Path) -> None:
    row = (*FACE[:-1], os.urandom(32 * 2**20))
    write(tmp_path / "a", [batch(Section.FACES, row)])
    assert list(read(tmp_path / "a")[0][0].rows) == [row]


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
