"""Bring an archive's rows back into a database, all of them or none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from rollcall.core.backup import ALL_COLUMNS, PEOPLE, Contents, Manifest, Section
from rollcall.core.backup_ports import Archives, Copies, Progress, WritableTables
from rollcall.core.errors import InvalidRequest
from rollcall.workflows.back_up import BackUp
from rollcall.workflows.check_archive import CheckArchive, Checked
from rollcall.workflows.merge import Merge
from rollcall.workflows.section_merge import Tally


class RestoreMode(StrEnum):
    """`merge`: rows that are there stay, what is missing is added.

    `replace`: faces, embeddings, calibrations, settings, and attendance and logs where the archive has them,
    become what it holds; people get its values, and those whom it lacks stay.
    """

    MERGE = "merge"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreOptions:
    """`drop_images`: pictures may be lost when an archive without pictures replaces faces."""

    mode: RestoreMode
    passphrase: bytes | None = field(default=None, repr=False)
    drop_images: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What became of the rows; `undo` is the archive of the state before, where there is one."""

    manifest: Manifest
    tallies: Mapping[Section, Tally]
    undo: Path | None


class Restore:
    """`rollcall backup restore`."""

    def __init__(
        self, *, copies: Copies, archives: Archives, check: CheckArchive, back_up: BackUp, progress: Progress
    ) -> None:
        self._copies, self._archives = copies, archives
        self._check, self._back_up, self._progress = check, back_up, progress

    def run(self, file: Path, options: RestoreOptions, said: Callable[[str], None]) -> Restored:
        """Check the whole archive, then restore it in one transaction. `said` is told of files that it wrote.

        Raises:
            InvalidRequest: the archive is damaged or does not fit this database.
            DatabaseError: as it says. The database is as it was, whatever is raised.
        """
        checked = self._check.run(file, options.passphrase)
        contents = checked.manifest.contents
        undo = None
        with self._copies.writing() as tables:
            _refuse_without_transactions(tables, contents)
            if options.mode is RestoreMode.REPLACE:
                _refuse_to_lose(tables, contents, drop_images=options.drop_images)
                undo = self._save(tables, file, contents, options.passphrase)
                said(f"The state before is kept in {undo}")
                for section in _replaced(contents):
                    tables.clear(section)
            merge = Merge(tables, checked.last_ids, update_people=options.mode is RestoreMode.REPLACE)
            self._apply(file, options.passphrase, checked, merge)
        return Restored(manifest=checked.manifest, tallies=merge.tallies, undo=undo)

    def _apply(self, file: Path, passphrase: bytes | None, checked: Checked, merge: Merge) -> None:
        with self._archives.open(file, passphrase=passphrase) as archive:
            for batch in archive.batches():
                merge.take(batch)
                self._progress("Restoring", archive.position_bytes, archive.size_bytes)
            # It is read a second time, and somebody may have exchanged it.
            if archive.manifest != checked.manifest:
                raise InvalidRequest("Nothing was restored: the archive changed meanwhile.")

    def _save(self, tables: WritableTables, file: Path, contents: Contents, passphrase: bytes | None) -> Path:
        """Keep all that will be replaced, beside the archive."""
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        undo = file.with_name(f"{file.name}.before-{moment}")
        whole = Contents(images=True, attendance=contents.attendance, logs=contents.logs)
        self._back_up.write(tables, undo, whole, passphrase=passphrase)
        return undo


def _replaced(contents: Contents) -> list[Section]:
    return [section for section in contents.sections if section not in PEOPLE]


def _refuse_without_transactions(tables: WritableTables, contents: Contents) -> None:
    names = tables.without_transactions(contents.sections)
    if names:
        raise InvalidRequest(
            f"Nothing was restored: the storage engine of {', '.join(names)} knows no transactions, so a "
            "restore that fails could not be undone. Convert with ALTER TABLE ... ENGINE=InnoDB first."
        )


def _refuse_to_lose(tables: WritableTables, contents: Contents, *, drop_images: bool) -> None:
    lost: list[str] = []
    for section in _replaced(contents):
        kept = ALL_COLUMNS[section] if drop_images else contents.columns(section)
        lost += tables.lost_by_clearing(section, kept)
    if lost:
        pictures = "" if contents.images or drop_images else " --drop-images gives up the pictures."
        raise InvalidRequest(
            f"Nothing was restored: --mode replace would lose {', '.join(lost)}, which the archive does not "
            f"hold. Use --mode merge.{pictures}"
        )
