"""`rollcall backup` and `rollcall erase` as commands."""

import json
import os
import pty
import signal
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.archive.files import ArchiveFiles
from rollcall.core.backup import Batch, Contents, Origin, Section
from tests.backups import EVERYTHING, check, create, everything, fill
from tests.servers import ROOT, clean_environment, wait_for

pytestmark = pytest.mark.slow

ROLLCALL = str(ROOT / "bin" / "rollcall")
LIMIT_SECONDS = 300


@pytest.fixture
def filled(database: SqlDatabase) -> SqlDatabase:
    fill(database)
    return database


def call(url: str, *arguments: str | Path, folder: Path, shell: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command in a folder; `shell` is what comes before it."""
    return subprocess.run(
        ["bash", "-c", f'{shell} exec "$@"', "bash", ROLLCALL, *map(str, arguments)],
        cwd=folder,
        env=clean_environment({"DATABASE_URL": url}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


def test_a_backup_is_created_verified_and_restored(
    filled: SqlDatabase, database_url: str, tmp_path: Path
) -> None:
    before = everything(filled)
    everything_asked = ("--images", "--attendance", "--logs")
    made = call(database_url, "backup", "create", "a.rollcall", *everything_asked, folder=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert "7 faces, 21 embeddings" in made.stdout
    assert (tmp_path / "a.rollcall").stat().st_mode & 0o777 == 0o600
    again = call(database_url, "backup", "create", "a.rollcall", folder=tmp_path)
    assert (again.returncode, "--force" in again.stderr) == (1, True)
    verified = call(database_url, "backup", "verify", "a.rollcall", folder=tmp_path)
    assert "is whole" in verified.stdout
    restored = call(f"sqlite:///{tmp_path}/b.db", "backup", "restore", "a.rollcall", folder=tmp_path)
    assert restored.returncode == 0, restored.stderr
    assert "faces: 7 added" in restored.stdout
    replaced = call(database_url, "backup", "restore", "a.rollcall", "--mode", "replace", folder=tmp_path)
    assert "The state before is kept in a.rollcall.before-" in replaced.stderr
    assert everything(filled) == before


def test_the_passphrase_comes_from_a_file_or_the_keyboard(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/c.db"
    call(url, "migrate", folder=tmp_path)
    (tmp_path / "secret").write_text("open sesame\n")
    made = call(url, "backup", "create", "e", "--passphrase-file", "secret", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    assert check(tmp_path / "e", b"open sesame").manifest.counts[Section.FACES] == 0
    asked = call(url, "backup", "verify", "e", folder=tmp_path)
    assert (asked.returncode, "--passphrase-file" in asked.stderr) == (1, True)
    (tmp_path / "secret").write_text("wrong")
    wrong = call(url, "backup", "restore", "e", "--passphrase-file", "secret", folder=tmp_path)
    assert (wrong.returncode, "passphrase is wrong" in wrong.stderr) == (1, True)
    assert typed(["backup", "verify", str(tmp_path / "e")], ["open sesame"]) == 0
    create_encrypted = ["backup", "create", "--encrypt", str(tmp_path / "f")]
    assert typed(create_encrypted, ["one", "another"]) == 1
    assert typed(create_encrypted, ["pass word", "pass word"]) == 0
    check(tmp_path / "f", b"pass word")


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/elsewhere/none.db"
    for arguments in (("backup", "create", "a"), ("erase", "--type", "student", "--code", "S1", "--yes")):
        refused = call(url, *arguments, folder=tmp_path)
        assert (refused.returncode, refused.stdout) == (1, "")
        told = f"There is no database at {tmp_path}/elsewhere/none.db, where DATABASE_URL says it is.\n"
        assert refused.stderr == told
    assert list(tmp_path.iterdir()) == []


def typed(arguments: list[str], lines: list[str]) -> int:
    """Run a command on a terminal, and type a line at each question; returns its exit status."""
    command = [ROLLCALL, *arguments]
    child, terminal = pty.fork()
    if child == 0:
        folder = Path(arguments[-1]).parent
        os.execve(ROLLCALL, command, clean_environment({"DATABASE_URL": f"sqlite:///{folder}/c.db"}))
    shown = b""
    for number, line in enumerate(lines, start=1):
        while shown.count(b"archive: ") + shown.count(b"again: ") < number:
            shown += os.read(terminal, 1024)
        os.write(terminal, line.encode() + b"\n")
    with suppress(OSError):  # what Linux says at a terminal's end
        while os.read(terminal, 1024):
            pass
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def big_archive(file: Path, faces: int, descriptor: str) -> None:
    """An archive of many faces of one person."""
    origin = Origin(created=datetime(2026, 3, 1, tzinfo=UTC), version="0", database="sqlite")
    files, contents = ArchiveFiles(), Contents()
    with files.create(file, origin, contents, passphrase=None, overwrite=False) as archive:
        for start in range(1, faces + 1, 500):
            rows = [
                (face_id, "student", "S1", f"{face_id}{descriptor}", None, None, None)
                for face_id in range(start, start + 500)
            ]
            archive.add(Batch(section=Section.FACES, columns=contents.columns(Section.FACES), rows=rows))


def test_a_killed_restore_leaves_the_database_as_it_was(
    filled: SqlDatabase, database_url: str, tmp_path: Path
) -> None:
    before = everything(filled)
    big_archive(tmp_path / "a", 20_000, " " * 2000)
    process = subprocess.Popen(
        [ROLLCALL, "backup", "restore", str(tmp_path / "a")],
        env=clean_environment({"DATABASE_URL": database_url}),
    )
    try:
        wait_for(lambda: is_writing(filled, tmp_path), "a half-done restore")
    finally:
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    if filled.kind == "mysql":
        # MariaDB rolls back when it notices that the client is gone.
        wait_for(lambda: not is_writing(filled, tmp_path), "the end of its transaction")
    assert everything(filled) == before
    restored = call(database_url, "backup", "restore", tmp_path / "a", folder=tmp_path)
    assert "faces: 20000 added" in restored.stdout, restored.stderr


def is_writing(database: SqlDatabase, folder: Path) -> bool:
    if database.kind == "sqlite":
        wal = folder / "new" / "rollcall.db-wal"
        return wal.exists() and wal.stat().st_size > 5_000_000
    with database.connection() as connection:
        query = "SELECT COALESCE(MAX(trx_rows_modified), 0) FROM information_schema.INNODB_TRX"
        return int(connection.exec_driver_sql(query).scalar() or 0) > 2000


def test_a_full_disk_leaves_no_archive_and_the_database_as_it_was(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/d.db"
    database = open_database(url, pool_size=1)
    migrate(database)
    fill(database)
    before = everything(database)
    database.close()
    big_archive(tmp_path / "a", 2000, " " * 2000)
    # No file may grow beyond 1 MB, which a program meets as a full disk.
    full = call(url, "backup", "restore", tmp_path / "a", folder=tmp_path, shell="ulimit -f 1024;")
    assert (full.returncode, "disk is full" in full.stderr) == (1, True), full.stderr
    assert "Traceback" not in full.stderr
    assert everything(database) == before
    call(url, "backup", "restore", tmp_path / "a", folder=tmp_path)
    # Room for the 32 kB that SQLite keeps beside an open database, and not for the backup.
    full = call(url, "backup", "create", "b", folder=tmp_path, shell="ulimit -f 40;")
    assert (full.returncode, "cannot be written" in full.stderr) == (1, True)
    assert {path.name for path in tmp_path.iterdir()} - {"d.db", "d.db-wal", "d.db-shm"} == {"a"}
    database.close()


def test_a_person_is_erased_after_a_yes(filled: SqlDatabase, database_url: str, tmp_path: Path) -> None:
    s0 = ("erase", "--type", "student", "--code", "s0")
    before = everything(filled)
    asked = call(database_url, *s0, folder=tmp_path)
    assert (asked.returncode, "FaceData: 1" in asked.stderr, asked.stdout) == (1, True, "")
    assert everything(filled) == before
    (tmp_path / "taken").write_text("mine")
    refused = call(database_url, *s0, "--yes", "--receipt", "taken", folder=tmp_path)
    assert (refused.returncode, everything(filled) == before) == (1, True)
    done = call(database_url, *s0, "--yes", "--receipt", "receipt.json", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads((tmp_path / "receipt.json").read_text())["deleted_rows"]["FaceData"] == 1
    again = call(database_url, *s0, "--yes", folder=tmp_path)
    assert (again.returncode, "Nothing is known" in again.stderr) == (1, True)
    s1 = call(database_url, "erase", "--type", "student", "--code", "S1", "--yes", folder=tmp_path)
    assert json.loads(s1.stdout)["person_code"] == "S1"
    assert len(everything(filled)[Section.FACES]) == 5


def test_a_restored_backup_brings_erased_people_back_until_they_are_erased_again(
    filled: SqlDatabase, database_url: str, tmp_path: Path
) -> None:
    create(filled, tmp_path / "a", EVERYTHING)
    erase = ("erase", "--type", "student", "--code", "S0", "--yes")
    assert call(database_url, *erase, folder=tmp_path).returncode == 0
    assert call(database_url, "backup", "restore", "a", folder=tmp_path).returncode == 0
    assert len(everything(filled)[Section.FACES]) == 7
    assert call(database_url, *erase, folder=tmp_path).returncode == 0
    assert len(everything(filled)[Section.FACES]) == 6
