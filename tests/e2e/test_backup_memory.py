"""What backups take of memory, whatever the database or the archive holds."""

import json
import os
import re
import subprocess
import time
import zlib
from contextlib import suppress
from pathlib import Path

import pytest

from db import tables
from db.engine import open_database
from db.migrate import migrate
from rollcall.core.backup import ALL_COLUMNS, Section
from tests.backups import create
from tests.db.rows import put
from tests.e2e.test_backup import ROLLCALL, big_archive
from tests.mariadb import MariaDBServer
from tests.servers import clean_environment
from tests.unit.rollcall.archive.samples import forged

pytestmark = pytest.mark.slow

MEMORY_LIMIT_MB = 300
# Collations take no memory.
both_kinds = pytest.mark.parametrize("database_url", ["sqlite", "mariadb"], indirect=True)


def peak_mb(url: str, *arguments: str | Path, status: int = 0) -> float:
    """Run a command that ends with a status; returns the most memory that it had."""
    environment = clean_environment({"DATABASE_URL": url})
    process = subprocess.Popen([ROLLCALL, *map(str, arguments)], env=environment, stdout=subprocess.DEVNULL)
    peak_kb = 0
    # Not the rusage of a child: it begins with what the parent has.
    while process.poll() is None:
        with suppress(OSError):
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
            peak_kb = int(found[1]) if found else peak_kb
        time.sleep(0.02)
    assert process.returncode == status
    return peak_kb / 1024


@both_kinds
def test_memory_does_not_grow_with_the_database(database_url: str, tmp_path: Path) -> None:
    # 20,000 descriptors of 12 kB are 240 MB, beside the 150 MB that the command starts with.
    (tmp_path / "secret").write_text("open sesame")
    big_archive(tmp_path / "a", 20_000, "[0.123456]" * 1200)
    secret = ("--passphrase-file", tmp_path / "secret")
    assert peak_mb(database_url, "backup", "restore", tmp_path / "a") < MEMORY_LIMIT_MB
    assert peak_mb(database_url, "backup", "create", tmp_path / "b", *secret) < MEMORY_LIMIT_MB
    assert peak_mb(database_url, "backup", "verify", tmp_path / "b", *secret) < MEMORY_LIMIT_MB
    assert peak_mb(database_url, "backup", "restore", tmp_path / "a") < MEMORY_LIMIT_MB


@both_kinds
def test_memory_does_not_grow_with_the_pictures(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path
) -> None:
    if "sqlite" not in database_url:
        mariadb: MariaDBServer = request.getfixturevalue("mariadb")
        mariadb.execute("SET GLOBAL max_allowed_packet = 33554432")
        request.addfinalizer(lambda: mariadb.execute("SET GLOBAL max_allowed_packet = 16777216"))
    database = open_database(f"sqlite:///{tmp_path}/pictures.db", pool_size=1)
    migrate(database)
    for number in range(16):
        picture = os.urandom(10 * 2**20)
        put(
            database,
            tables.face_data,
            {"PersonCode": "S1", "ImageData": picture, "OriginalName": str(number)},
        )
    create(database, tmp_path / "a")
    database.close()
    (tmp_path / "secret").write_text("open sesame")
    secret = ("--passphrase-file", tmp_path / "secret")
    assert peak_mb(database_url, "backup", "restore", tmp_path / "a") < MEMORY_LIMIT_MB
    assert peak_mb(database_url, "backup", "create", tmp_path / "b", "--images", *secret) < MEMORY_LIMIT_MB
    assert peak_mb(database_url, "backup", "verify", tmp_path / "b", *secret) < MEMORY_LIMIT_MB


def bomb(*pieces: bytes, times: int) -> bytes:
    """Gzip of a first piece, a second one so many times, and a third."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    first, repeated, last = pieces
    many = (packer.compress(repeated * 10**5) for _ in range(times // 10**5))
    return b"".join([packer.compress(first), *many, packer.compress(last), packer.flush()])


def test_a_small_archive_cannot_take_much_memory(tmp_path: Path) -> None:
    students, faces = (
        json.dumps(ALL_COLUMNS[section]).encode() + b"\n" for section in (Section.STUDENTS, Section.FACES)
    )
    members = {
        "lines": ("students-000001.jsonl.gz", bomb(students, b"\n", b"", times=127 * 10**6)),
        "rows": (
            "students-000001.jsonl.gz",
            bomb(students, b"[" + b"0," * 8 + b"0]\n", b"", times=6 * 10**6),
        ),
        "a line": ("students-000001.jsonl.gz", bomb(students + b"[", b"{},", b"0]\n", times=40 * 10**6)),
        "a picture": (
            "faces-000001.jsonl.gz",
            bomb(faces + b'[1,2,3,4,5,6,7,{"base64":"', b"AAAA", b"!", times=10 * 10**6),
        ),
        "text": ("faces-000001.jsonl.gz", bomb(faces + b'[1,"', b"x", b'"]\n', times=120 * 10**6)),
        "a manifest": ("manifest.json", b"[" + b"{}," * 20 * 10**6 + b"0]"),
    }
    for member in members.values():
        forged(tmp_path / "a", member)
        url = f"sqlite:///{tmp_path}/none.db"
        assert peak_mb(url, "backup", "verify", tmp_path / "a", status=1) < MEMORY_LIMIT_MB
