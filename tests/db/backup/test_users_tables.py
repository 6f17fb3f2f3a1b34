"""Tables as schools have them, and what others do there while a backup is restored."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db import tables
from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.archive.files import ArchiveFiles
from rollcall.core.backup import ALL_COLUMNS, Batch, Contents, Origin, Section
from rollcall.core.backup_ports import Progress
from rollcall.core.errors import InvalidRequest
from rollcall.core.records import RecognitionAttempt
from rollcall.workflows.restore import RestoreMode
from tests.backups import create, everything, fill, restore, rows, run
from tests.db.rows import put, read
from tests.mariadb import MariaDBServer

NOT_NEEDED = {
    "Student": ("EmailAddress", "Campus", "Form", "StudentImage"),
    "Teacher": ("EmailAddress", "Campus", "Department", "TeacherImage"),
}


def once(work: Callable[[], object]) -> Progress:
    """Progress that does something else when the restore begins to write."""
    waiting = [work]

    def progress(step: str, done: int, total: int) -> None:
        assert done <= total
        if step == "Restoring" and waiting:
            waiting.pop()()

    return progress


def test_logs_are_restored_while_a_server_writes_logs(
    source: SqlDatabase, mysql_database: SqlDatabase, tmp_path: Path
) -> None:
    create(source, tmp_path / "a")
    archived = len(rows(source, Section.LOGS))
    attempts = [RecognitionAttempt(person=None, confidence=0.25, processing_time_ms=1)] * 10

    def recognise() -> None:
        with mysql_database.transaction() as records:
            records.log.add(attempts)

    recognise()
    restore(mysql_database, tmp_path / "a", progress=once(recognise))
    assert len(rows(mysql_database, Section.LOGS)) == archived + 20
    recognise()
    assert restore(mysql_database, tmp_path / "a").tallies[Section.LOGS].added == 0


@pytest.mark.parametrize("mode", list(RestoreMode))
def test_tables_may_lack_the_columns_that_are_not_needed(
    source: SqlDatabase, database: SqlDatabase, tmp_path: Path, mode: RestoreMode
) -> None:
    for table, columns in NOT_NEEDED.items():
        for column in columns:
            run(database, f"ALTER TABLE {table} DROP COLUMN {column}")
    run(source, "DELETE FROM Student WHERE StudentCode = 'pic'")
    create(source, tmp_path / "a")
    for _again in range(2):
        restore(database, tmp_path / "a", mode)
    assert create(database, tmp_path / "b").counts[Section.STUDENTS] == 5
    restore(source, tmp_path / "b")
    assert rows(source, Section.STUDENTS) == rows(database, Section.STUDENTS)


@pytest.mark.parametrize("mode", list(RestoreMode))
def test_a_value_is_not_lost_where_its_column_is_absent(
    source: SqlDatabase, database: SqlDatabase, tmp_path: Path, mode: RestoreMode
) -> None:
    run(source, "UPDATE Teacher SET EmailAddress = 'secret@example.org'")
    create(source, tmp_path / "a")
    restore(database, tmp_path / "a", mode)
    run(database, "DELETE FROM Teacher", "ALTER TABLE Teacher DROP COLUMN EmailAddress")
    before = everything(database)
    with pytest.raises(InvalidRequest, match=r"Teacher .* has no column EmailAddress") as caught:
        restore(database, tmp_path / "a", mode)
    assert "secret" not in str(caught.value)
    assert everything(database) == before


def test_replace_takes_no_notice_of_columns_that_fill_themselves(
    database: SqlDatabase, tmp_path: Path
) -> None:
    fill(database)
    kind = "TIMESTAMP DEFAULT CURRENT_TIMESTAMP"
    on_update = "ON UPDATE CURRENT_TIMESTAMP" if database.kind == "mysql" else ""
    # SQLite cannot add a column whose default is the time.
    run(
        database,
        "DROP TABLE RollcallSettings",
        "CREATE TABLE RollcallSettings (Name VARCHAR(64) PRIMARY KEY, Value VARCHAR(255),"
        f" ChangedDate {kind}, UpdatedAt {kind} {on_update})",
        "INSERT INTO RollcallSettings (Name, Value) VALUES ('similarity_threshold', '0.5')",
        "ALTER TABLE FaceData ADD COLUMN State VARCHAR(20) NOT NULL DEFAULT 'it''s: 100% new'",
        "ALTER TABLE FaceData ADD COLUMN Rating INT DEFAULT 3",
        "ALTER TABLE FaceData ADD COLUMN Lucky INT DEFAULT NULL",
    )
    create(database, tmp_path / "a")
    restore(database, tmp_path / "a", RestoreMode.REPLACE)
    run(database, "UPDATE FaceData SET Rating = 4 WHERE Id = 2")
    with pytest.raises(InvalidRequest, match="would lose the column Rating of FaceData, which"):
        restore(database, tmp_path / "a", RestoreMode.REPLACE)


def test_replace_takes_no_notice_of_tables_that_could_refer_but_do_not(
    database: SqlDatabase, tmp_path: Path
) -> None:
    fill(database)
    create(database, tmp_path / "a")
    run(
        database,
        "CREATE TABLE Lockers (Id INT PRIMARY KEY, FaceId INT,"
        " FOREIGN KEY (FaceId) REFERENCES FaceData (Id) ON DELETE CASCADE)",
    )
    restore(database, tmp_path / "a", RestoreMode.REPLACE)
    run(database, "INSERT INTO Lockers VALUES (1, NULL)")
    restore(database, tmp_path / "a", RestoreMode.REPLACE)
    assert read(database, "SELECT Id, FaceId FROM Lockers") == [(1, None)]


@pytest.mark.slow
def test_names_of_tables_may_be_stored_in_small_letters(mariadb: MariaDBServer, tmp_path: Path) -> None:
    assert mariadb  # which skips where there is none
    with MariaDBServer("--lower-case-table-names=1") as server:
        database = open_database(server.new_database(), pool_size=2)
        migrate(database)
        fill(database)
        create(database, tmp_path / "a")
        before = everything(database)
        restore(database, tmp_path / "a", RestoreMode.REPLACE)
        assert everything(database) == before
        run(database, "ALTER TABLE FaceData ENGINE=MyISAM")
        with pytest.raises(InvalidRequest, match="FaceData knows no transactions"):
            restore(database, tmp_path / "a")
        database.close()


def test_pictures_are_read_in_pieces(database: SqlDatabase, tmp_path: Path) -> None:
    for size in (0, 5_000_000, 10, 1_000_000, 1_000_000, 3_000_000):
        put(database, tables.face_data, {"PersonCode": "S1", "ImageData": bytes(size)})
    put(database, tables.face_data, {"PersonCode": "S1", "ImageData": None})
    manifest = create(database, tmp_path / "a")
    assert [part.rows for part in manifest.parts if part.section is Section.FACES] == [1, 1, 3, 2]
    before = everything(database)
    run(database, "DELETE FROM FaceData")
    restore(database, tmp_path / "a")
    assert everything(database) == before


def test_a_picture_that_the_database_does_not_take_is_refused_beforehand(
    mariadb: MariaDBServer, tmp_path: Path
) -> None:
    source = open_database(f"sqlite:///{tmp_path}/source.db", pool_size=1)
    migrate(source)
    put(source, tables.face_data, {"PersonCode": "S1", "ImageData": bytes(9_000_000)})
    create(source, tmp_path / "a")
    create(source, tmp_path / "without", Contents())
    source.close()
    url = mariadb.new_database()
    mariadb.execute("SET GLOBAL max_allowed_packet = 16777216")
    database = open_database(url, pool_size=1)
    migrate(database)
    with pytest.raises(InvalidRequest, match=r"max_allowed_packet of 16,777,216 bytes .* 32M or more"):
        restore(database, tmp_path / "a")
    assert rows(database, Section.FACES) == []
    restore(database, tmp_path / "without")
    database.close()
    try:
        mariadb.execute("SET GLOBAL max_allowed_packet = 33554432")
        database = open_database(url, pool_size=1)
        run(database, "DELETE FROM FaceData")
        restore(database, tmp_path / "a")
        assert read(database, "SELECT LENGTH(ImageData) FROM FaceData") == [(9_000_000,)]
        database.close()
    finally:
        mariadb.execute("SET GLOBAL max_allowed_packet = 16777216")


def test_wrong_shared_settings_are_neither_saved_nor_restored(
    source: SqlDatabase, database: SqlDatabase, tmp_path: Path
) -> None:
    run(source, "INSERT INTO RollcallSettings (Name, Value) VALUES ('of_a_later_version', 'x')")
    create(source, tmp_path / "a")
    restore(database, tmp_path / "a")
    assert len(rows(database, Section.SETTINGS)) == 2
    run(source, "UPDATE RollcallSettings SET Value = 'abc' WHERE Name = 'similarity_threshold'")
    with pytest.raises(InvalidRequest, match=r"Nothing was saved: .* SIMILARITY_THRESHOLD"):
        create(source, tmp_path / "b")
    assert not (tmp_path / "b").exists()
    origin = Origin(created=datetime(2026, 3, 1, tzinfo=UTC), version="0", database="sqlite")
    columns = ALL_COLUMNS[Section.SETTINGS]
    with ArchiveFiles().create(
        tmp_path / "b", origin, Contents(), passphrase=None, overwrite=False
    ) as archive:
        wrong = ("similarity_threshold", "abc", None)
        archive.add(Batch(section=Section.SETTINGS, columns=columns, rows=[wrong]))
    before = everything(database)
    with pytest.raises(InvalidRequest, match=r"settings are wrong\. SIMILARITY_THRESHOLD"):
        restore(database, tmp_path / "b", RestoreMode.REPLACE)
    assert everything(database) == before
