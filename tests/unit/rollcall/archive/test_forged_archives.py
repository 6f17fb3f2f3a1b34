"""Archives that somebody made up are refused."""

import gzip
import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from rollcall.archive import parts
from rollcall.core.backup import ALL_COLUMNS, Section
from rollcall.core.errors import InvalidRequest
from tests.unit.rollcall.archive.samples import FACE, batch, forged, members_of, read, write

[(_, NO_LOGS)] = parts.encode(batch(Section.LOGS))
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
        ("logs-000001.jsonl.gz", NO_LOGS),
        *list(all.items())[-1:],
    ],
    "something after the manifest": lambda all: [
        *all.items(),
        ("logs-000001.jsonl.gz", NO_LOGS),
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
    for cell in ("x" * (5 * 2**20), os.urandom(33 * 2**20)):
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
