"""Ctrl-C, and SIGTERM as `docker stop` sends it, in the middle of a command."""

import os
import pty
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from db.engine import SqlDatabase
from tests.backups import create, everything, fill
from tests.e2e.test_backup import ROLLCALL, big_archive, call, is_writing
from tests.servers import clean_environment, wait_for

pytestmark = pytest.mark.slow

LIMIT_SECONDS = 120
BROKEN_OFF = "Broken off; nothing was changed."


def signalled(url: str, *arguments: str | Path, when: Callable[[], bool], number: int) -> tuple[int, str]:
    """Run a command, and send a signal in the middle; returns its exit status and what it said."""
    command = [ROLLCALL, *map(str, arguments)]
    environment = clean_environment({"DATABASE_URL": url})
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_for(when, "the middle of it")
            process.send_signal(number)
            said = process.communicate(timeout=LIMIT_SECONDS)[1]
        finally:
            process.kill()
    return process.returncode, said


@pytest.mark.parametrize(
    ("number", "mode"),
    [(signal.SIGINT, ("--mode", "merge")), (signal.SIGTERM, ("--mode", "replace", "--drop-images"))],
)
def test_a_restore_that_is_broken_off_leaves_all_as_it_was(
    database: SqlDatabase, database_url: str, tmp_path: Path, number: int, mode: tuple[str, ...]
) -> None:
    fill(database)
    before = everything(database)
    (tmp_path / "archives").mkdir()
    archive = tmp_path / "archives" / "a"
    big_archive(archive, 20_000, " " * 2000)
    ended = signalled(
        database_url,
        *("backup", "restore", str(archive), *mode),
        when=lambda: is_writing(database, tmp_path),
        number=number,
    )
    assert ended == (128 + number, BROKEN_OFF + "\n")
    if database.kind == "mysql":
        wait_for(lambda: not is_writing(database, tmp_path), "the end of its transaction")
    assert everything(database) == before
    assert list(archive.parent.iterdir()) == [archive]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_backup_that_is_broken_off_leaves_no_file(database_url: str, tmp_path: Path, number: int) -> None:
    big_archive(tmp_path / "a", 20_000, " " * 2000)
    call(database_url, "backup", "restore", tmp_path / "a", folder=tmp_path)
    place = tmp_path / "archives"
    place.mkdir()
    ended = signalled(
        database_url,
        *("backup", "create", place / "b"),
        when=lambda: any(place.iterdir()),
        number=number,
    )
    assert ended == (128 + number, BROKEN_OFF + "\n")
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "question"),
    [
        (("backup", "create", "made", "--encrypt"), b"Passphrase for the archive: "),
        (("backup", "verify", "old"), b"Passphrase of the archive: "),
        (("backup", "restore", "old"), b"Passphrase of the archive: "),
        (("erase", "--type", "student", "--code", "S1"), b"Type yes to go on: "),
    ],
)
def test_a_question_ends_at_the_first_ctrl_c(
    database: SqlDatabase, database_url: str, tmp_path: Path, arguments: tuple[str, ...], question: bytes
) -> None:
    fill(database)
    create(database, tmp_path / "old", passphrase=b"secret")
    before = everything(database)
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.execve(ROLLCALL, [ROLLCALL, *arguments], clean_environment({"DATABASE_URL": database_url}))
    shown = b""
    while question not in shown:
        shown += os.read(terminal, 1024)
    # Between the question and the wait for an answer is a moment in which nothing could end that wait.
    wait_for(lambda: psutil.Process(child).status() == psutil.STATUS_SLEEPING, "the wait for an answer")
    os.write(terminal, b"\x03")
    with suppress(OSError):  # what Linux says at a terminal's end
        while read := os.read(terminal, 1024):
            shown += read
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130
    assert shown.split(question)[1].removeprefix(b"^C").strip() == BROKEN_OFF.encode()
    assert everything(database) == before
    assert not (tmp_path / "made").exists()
