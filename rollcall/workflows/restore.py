"""Bring an archive's rows back into a database, all of them or none."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from rollcall.core.audit import Action
from rollcall.core.backup import ALL_COLUMNS, PEOPLE, Contents, Section
from rollcall.core.backup_ports import Archives, Copies, Progress, WritableTables
from rollcall.core.errors import InvalidRequest
from rollcall.workflows.back_up import BackUp
from rollcall.workflows.check_archive import CheckArchive, Checked
from rollcall.workflows.merge import Merge
from rollcall.workflows.section_merge import Tally

_SAVED_BEFORE: Final = re.compile(r"(\.before-\d{8}T\d{12}Z)+$")

_BESIDE_A_PICTURE_BYTES: Final = 2**16  # in its statement


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

    tallies: Mapping[Section, Tally]
    undo: Path | None


class Restore:
    """`rollcall backup restore`."""

    def __init__(
        self,
        *,
        copies: Copies,
        archives: Archives,
        check: CheckArchive,
        back_up: BackUp,
        progress: Progress,
        before_commit: Callable[[Path | None], None],
    ) -> None:
        """`before_commit` is called when all is written, with the archive of the state before; from there on
        nothing may break the restore off.
        """
        self._copies, self._archives = copies, archives
        self._check, self._back_up, self._progress = check, back_up, progress
        self._before_commit = before_commit

    def run(self, file: Path, options: RestoreOptions) -> Restored:
        """Check the whole archive, then restore it in one transaction.

        Raises:
            InvalidRequest: the archive is damaged or does not fit this database.
            DatabaseError: as it says. The database is as it was, whatever is raised.
        """
        checked = self._check.run(file, options.passphrase)
        contents = checked.manifest.contents
        replaces = options.mode is RestoreMode.REPLACE
        with self._copies.writing() as tables:
            _refuse_without_transactions(tables, contents)
            _refuse_large_pictures(tables, checked)
            if replaces:
                _refuse_to_lose(tables, contents, drop_images=options.drop_images)
            with self._saved(tables, file, contents, options) as undo:
                if replaces:
                    for section in _replaced(contents):
                        tables.clear(section)
                merge = Merge(tables, checked, update_people=replaces)
                self._apply(file, options.passphrase, checked, merge)
                tables.audit.add(
                    Action.BACKUP_RESTORED,
                    mode=options.mode.value,
                    of=checked.manifest.origin.created.isoformat(),
                    state_before_saved=undo is not None,
                    added={section.value: tally.added for section, tally in merge.tallies.items()},
                )
                self._before_commit(undo)
        return Restored(tallies=merge.tallies, undo=undo)

    def _apply(self, file: Path, passphrase: bytes | None, checked: Checked, merge: Merge) -> None:
        with self._archives.open(file, passphrase=passphrase) as archive:
            for batch in archive.batches():
                merge.take(batch)
                self._progress("Restoring", archive.position_bytes, archive.size_bytes)
            # It is read a second time, and somebody may have exchanged it.
            if archive.manifest != checked.manifest:
                raise InvalidRequest("Nothing was restored: the archive changed meanwhile.")

    @contextmanager
    def _saved(
        self, tables: WritableTables, file: Path, contents: Contents, options: RestoreOptions
    ) -> Iterator[Path | None]:
        """Keep all that will be replaced, beside the archive, unless the block raises.

        If the commit behind it fails, nobody knows whether it was done, and the file stays.
        """
        if options.mode is not RestoreMode.REPLACE:
            yield None
            return
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        undo = file.with_name(f"{_SAVED_BEFORE.sub('', file.name)}.before-{moment}")
        whole = Contents(images=True, attendance=contents.attendance, logs=contents.logs)
        self._back_up.write(tables, undo, whole, passphrase=options.passphrase)
        try:
            yield undo
        except BaseException:
            undo.unlink(missing_ok=True)
            raise


def _replaced(contents: Contents) -> list[Section]:
    return [section for section in contents.sections if section not in PEOPLE]


def _refuse_without_transactions(tables: WritableTables, contents: Contents) -> None:
    names = tables.without_transactions(contents.sections)
    if names:
        raise InvalidRequest(
            f"Nothing was restored: the storage engine of {', '.join(names)} knows no transactions, so a "
            "restore that fails could not be undone. Convert with ALTER TABLE ... ENGINE=InnoDB first."
        )


def _refuse_large_pictures(tables: WritableTables, checked: Checked) -> None:
    limit = tables.max_statement_bytes
    needed = 2 * checked.largest_picture_bytes + _BESIDE_A_PICTURE_BYTES
    if limit is not None and checked.largest_picture_bytes and needed > limit:
        raise InvalidRequest(
            f"Nothing was restored: the archive has a picture of {checked.largest_picture_bytes:,} bytes, "
            f"for which the database's max_allowed_packet of {limit:,} bytes is too small. Set it to "
            f"{max(32, needed // 2**20 + 1)}M or more in the database server."
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
