"""Copy the database into an archive."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from rollcall.core.audit import Action
from rollcall.core.backup import Batch, Contents, Manifest, Origin
from rollcall.core.backup_ports import Archives, ArchiveWriter, Copies, Progress, ReadableTables
from rollcall.core.errors import InvalidRequest
from rollcall.workflows.check_archive import wrong_setting


class BackUp:
    """`rollcall backup create`, and what a restore keeps of the state before it."""

    def __init__(self, *, copies: Copies, archives: Archives, version: str, progress: Progress) -> None:
        self._copies, self._archives = copies, archives
        self._version, self._progress = version, progress

    def run(self, file: Path, contents: Contents, *, passphrase: bytes | None, overwrite: bool) -> Manifest:
        """Write one moment of the database, which goes on being used, and note that in its audit.

        Raises:
            InvalidRequest: the file exists and must not be overwritten, or cannot be written, or a shared
                setting is wrong, so that the archive could not be restored.
            DatabaseError: as it says. There is no file then.
        """
        with self._archive(file, contents, passphrase=passphrase, overwrite=overwrite) as archive:
            with self._copies.reading() as tables:
                self._copy(tables, contents, archive)
            # Before there is a file: what cannot be noted must not be taken out.
            self._note(archive.manifest, encrypted=passphrase is not None)
        return archive.manifest

    def write(
        self, tables: ReadableTables, file: Path, contents: Contents, *, passphrase: bytes | None
    ) -> Manifest:
        """The same within a transaction of the caller's, who notes it."""
        with self._archive(file, contents, passphrase=passphrase, overwrite=False) as archive:
            self._copy(tables, contents, archive)
        return archive.manifest

    def _archive(
        self, file: Path, contents: Contents, *, passphrase: bytes | None, overwrite: bool
    ) -> AbstractContextManager[ArchiveWriter]:
        origin = Origin(
            created=datetime.now(UTC).replace(microsecond=0),
            version=self._version,
            database=self._copies.kind,
        )
        return self._archives.create(file, origin, contents, passphrase=passphrase, overwrite=overwrite)

    def _copy(self, tables: ReadableTables, contents: Contents, archive: ArchiveWriter) -> None:
        for section in contents.sections:
            done, total = 0, tables.count(section)
            for batch in tables.read(section, contents.columns(section)):
                _refuse_wrong_settings(batch)
                archive.add(batch)
                done += len(batch.rows)
                self._progress(f"Copying {section}", done, total)

    def _note(self, manifest: Manifest, *, encrypted: bool) -> None:
        contents = manifest.contents
        self._copies.note(
            Action.BACKUP_CREATED,
            images=contents.images,
            attendance=contents.attendance,
            logs=contents.logs,
            encrypted=encrypted,
            rows={section.value: count for section, count in manifest.counts.items()},
        )


def _refuse_wrong_settings(batch: Batch) -> None:
    if wrong := wrong_setting(batch):
        raise InvalidRequest(
            f"Nothing was saved: a shared setting in the database is wrong. {wrong} "
            "`rollcall settings` sets or unsets it."
        )
