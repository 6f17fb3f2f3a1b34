"""`rollcall backup`: archives of the database."""

import argparse
import getpass
import sys
from functools import partial
from pathlib import Path
from typing import Any, Final

from db.copies import SqlCopies
from rollcall import __version__
from rollcall.archive.files import ArchiveFiles
from rollcall.cli.breaking_off import finish_whatever_comes
from rollcall.cli.patient_database import patient_database
from rollcall.cli.progress_bars import ProgressBars
from rollcall.core.backup import Contents, Manifest
from rollcall.core.backup_ports import Progress
from rollcall.core.errors import InvalidRequest
from rollcall.core.settings import Settings
from rollcall.workflows.back_up import BackUp
from rollcall.workflows.check_archive import CheckArchive
from rollcall.workflows.restore import Restore, RestoreMode, RestoreOptions
from rollcall.workflows.section_merge import Tally

_MAX_PASSPHRASE_BYTES: Final = 1024


def add_command(commands: Any) -> None:
    backup = commands.add_parser("backup", help="save the database in a file, and bring it back")
    actions = backup.add_subparsers(required=True, metavar="ACTION")
    for add, run in ((_add_create, _create), (_add_restore, _restore), (_add_verify, _verify)):
        command = add(actions)
        command.add_argument("file", type=Path, metavar="FILE")
        command.add_argument(
            "--passphrase-file", type=Path, metavar="PATH", help="read the passphrase there, and do not ask"
        )
        command.set_defaults(run=run)


def _add_create(actions: Any) -> Any:
    command = actions.add_parser(
        "create",
        help="save people, faces and embeddings in a file",
        description="Save people, faces, embeddings, calibrations and settings, while the server goes on.",
    )
    command.add_argument("--images", action="store_true", help="also the pictures")
    command.add_argument("--attendance", action="store_true", help="also AttendanceRecords")
    command.add_argument("--logs", action="store_true", help="also FaceRecognitionLogs")
    command.add_argument("--encrypt", action="store_true", help="ask for a passphrase, and encrypt with it")
    command.add_argument("--force", action="store_true", help="overwrite FILE")
    return command


def _add_restore(actions: Any) -> Any:
    command = actions.add_parser(
        "restore", help="bring a file's rows back", description="Bring the rows of FILE back, all or none."
    )
    command.add_argument(
        "--mode",
        choices=[mode.value for mode in RestoreMode],
        default=RestoreMode.MERGE.value,
        help="merge: what is there stays, what is missing is added; replace: faces become what FILE holds, "
        "and the state before is saved beside it (default: %(default)s)",
    )
    command.add_argument(
        "--drop-images", action="store_true", help="let --mode replace lose pictures that FILE does not hold"
    )
    return command


def _add_verify(actions: Any) -> Any:
    return actions.add_parser(
        "verify", help="read a file through", description="Check that FILE is whole and can be restored."
    )


async def _create(options: argparse.Namespace, settings: Settings) -> int:
    """Raises InvalidRequest or DatabaseError; there is no new file then."""
    archives = ArchiveFiles()
    # Before anybody is asked for a passphrase.
    archives.check_place(options.file, overwrite=options.force)
    passphrase = _new_passphrase(options)
    contents = Contents(images=options.images, attendance=options.attendance, logs=options.logs)
    with patient_database(settings) as database, ProgressBars() as bars:
        manifest = _back_up(SqlCopies(database), archives, bars).run(
            options.file, contents, passphrase=passphrase, overwrite=options.force
        )
    print(f"{options.file}: {_counted(manifest)}")
    return 0


async def _restore(options: argparse.Namespace, settings: Settings) -> int:
    """Raises InvalidRequest or DatabaseError; the database is as it was then."""
    chosen = RestoreOptions(
        mode=RestoreMode(options.mode), passphrase=_passphrase(options), drop_images=options.drop_images
    )
    archives = ArchiveFiles()
    with patient_database(settings, may_create=True) as database, ProgressBars() as bars:
        copies = SqlCopies(database)
        restore = Restore(
            copies=copies,
            archives=archives,
            check=CheckArchive(archives=archives, progress=bars),
            back_up=_back_up(copies, archives, bars),
            progress=bars,
            before_commit=partial(_before_commit, bars),
        )
        restored = restore.run(options.file, chosen)
    print("\n".join(f"{section}: {_tallied(tally)}" for section, tally in restored.tallies.items()))
    return 0


async def _verify(options: argparse.Namespace, _settings: Settings) -> int:
    """Raises InvalidRequest: the file is not whole, or the passphrase is not its own."""
    passphrase = _passphrase(options)
    with ProgressBars() as bars:
        checked = CheckArchive(archives=ArchiveFiles(), progress=bars).run(options.file, passphrase)
    print(f"{options.file} is whole: {_counted(checked.manifest)}")
    return 0


def _back_up(copies: SqlCopies, archives: ArchiveFiles, progress: Progress) -> BackUp:
    return BackUp(copies=copies, archives=archives, version=__version__, progress=progress)


def _before_commit(bars: ProgressBars, undo: Path | None) -> None:
    finish_whatever_comes()
    if undo:
        bars.say(f"The state before is kept in {undo}")


def _counted(manifest: Manifest) -> str:
    origin = manifest.origin
    counts = ", ".join(f"{count} {section}" for section, count in manifest.counts.items())
    images = "with pictures" if manifest.contents.images else "without pictures"
    return f"{counts}, {images}, of {origin.created:%Y-%m-%d %H:%M} UTC, from {origin.database}"


def _tallied(tally: Tally) -> str:
    return f"{tally.added} added, {tally.kept} there already, {tally.changed} changed"


def _new_passphrase(options: argparse.Namespace) -> bytes | None:
    if options.passphrase_file is not None:
        return _read_passphrase(options.passphrase_file)
    if not options.encrypt:
        return None
    passphrase = _asked("Passphrase for the archive: ")
    if _asked("The same again: ") != passphrase:
        raise InvalidRequest("The two passphrases differ.")
    return passphrase


def _passphrase(options: argparse.Namespace) -> bytes | None:
    if options.passphrase_file is not None:
        return _read_passphrase(options.passphrase_file)
    return _asked("Passphrase of the archive: ") if ArchiveFiles().is_encrypted(options.file) else None


def _asked(prompt: str) -> bytes:
    if not sys.stdin.isatty():
        raise InvalidRequest("A passphrase is needed, and nobody is there to ask: give --passphrase-file.")
    return _usable(getpass.getpass(prompt).encode("utf-8"))


def _read_passphrase(file: Path) -> bytes:
    try:
        with file.open("rb") as raw:
            return _usable(raw.read(_MAX_PASSPHRASE_BYTES + 2).rstrip(b"\r\n"))
    except OSError as error:
        raise InvalidRequest(f"The passphrase file cannot be read: {error.strerror}.") from None


def _usable(passphrase: bytes) -> bytes:
    if not 1 <= len(passphrase) <= _MAX_PASSPHRASE_BYTES:
        raise InvalidRequest(f"A passphrase has 1 to {_MAX_PASSPHRASE_BYTES} bytes.")
    return passphrase
