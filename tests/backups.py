"""Archives of test databases, and what a database holds."""

from pathlib import Path
from typing import Any

from sqlalchemy import text

from db.copies import SqlCopies
from db.engine import SqlDatabase
from rollcall.archive.files import ArchiveFiles
from rollcall.core.backup import ALL_COLUMNS, Contents, Manifest, Row, Section
from rollcall.core.backup_ports import Progress
from rollcall.core.people import Person
from rollcall.core.records import AttendanceStatus, RecognitionAttempt
from rollcall.workflows.back_up import BackUp
from rollcall.workflows.check_archive import CheckArchive, Checked
from rollcall.workflows.restore import Restore, Restored, RestoreMode, RestoreOptions
from tests.db.rows import add_embedding, embedding, new_face, note_unreadable, student, teacher

EVERYTHING = Contents(images=True, attendance=True, logs=True)
NAMES = ("Zoë Groß", "Ελένη", "Иван", "محمد", "王小明", "Ada 🎓", 'O\'Neil \\ "x"')


def no_progress(step: str, done: int, total: int) -> None:
    assert done <= total, step


def backs_up(database: SqlDatabase) -> BackUp:
    return BackUp(copies=SqlCopies(database), archives=ArchiveFiles(), version="1.2.3", progress=no_progress)


def create(
    database: SqlDatabase,
    file: Path,
    contents: Contents = EVERYTHING,
    *,
    passphrase: bytes | None = None,
    overwrite: bool = False,
) -> Manifest:
    return backs_up(database).run(file, contents, passphrase=passphrase, overwrite=overwrite)


def check(file: Path, passphrase: bytes | None = None) -> Checked:
    return CheckArchive(archives=ArchiveFiles(), progress=no_progress).run(file, passphrase)


def restore(
    database: SqlDatabase,
    file: Path,
    mode: RestoreMode = RestoreMode.MERGE,
    *,
    progress: Progress = no_progress,
    **options: Any,
) -> Restored:
    archives = ArchiveFiles()
    workflow = Restore(
        copies=SqlCopies(database),
        archives=archives,
        check=CheckArchive(archives=archives, progress=no_progress),
        back_up=backs_up(database),
        progress=progress,
        before_commit=lambda _undo: None,
    )
    return workflow.run(file, RestoreOptions(mode=mode, **options))


def rows(database: SqlDatabase, section: Section) -> list[Row]:
    """All rows as a backup reads them."""
    with SqlCopies(database).reading() as tables:
        return [row for batch in tables.read(section, ALL_COLUMNS[section]) for row in batch.rows]


def everything(database: SqlDatabase) -> dict[Section, list[Row]]:
    return {section: rows(database, section) for section in Section}


def fill(database: SqlDatabase) -> None:
    """People of several scripts, each with a face of two models; logs, and attendance of one session."""
    with database.transaction() as records:
        for number, name in enumerate(NAMES):
            person = teacher(f"t{number}") if number % 3 == 2 else student(f"S{number}")
            records.people.add(Person(key=person, name=name))
            face_id = records.faces.add(new_face(person, embedding=embedding(number)))
            add_embedding(records, face_id, "antelopev2", embedding(100 + number))
            note_unreadable(records, face_id, "buffalo_sc", "NO_FACE_DETECTED")
            attempt = RecognitionAttempt(person=person, confidence=0.9876, processing_time_ms=12)
            records.log.add([attempt, attempt])
        records.log.add([RecognitionAttempt(person=None, confidence=0, processing_time_ms=3)])
        records.attendance.ensure_session(7)
        records.attendance.add(7, "S0", AttendanceStatus.LATE)
        records.attendance.add(7, "S1", AttendanceStatus.PRESENT)


def run(database: SqlDatabase, *statements: str) -> None:
    """Statements of somebody else's."""
    with database.connection() as connection:
        for statement in statements:
            connection.execute(text(statement))
