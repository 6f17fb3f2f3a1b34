"""Rows as old programs left them, and tables as users have them."""

from pathlib import Path

import pytest

from db import tables
from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.core.backup import Section
from rollcall.core.errors import DatabaseError, InvalidRequest
from rollcall.workflows.restore import RestoreMode
from tests.backups import create, everything, fill, restore, rows, run
from tests.db.rows import old_face, put, read
from tests.mariadb import MariaDBServer


def test_a_row_that_the_database_cannot_hold_is_named_and_nothing_is_restored(
    mysql_database: SqlDatabase, tmp_path: Path
) -> None:
    odd = open_database(f"sqlite:///{tmp_path}/odd.db", pool_size=1)
    migrate(odd)
    fill(odd)
    old_face(odd)
    run(odd, "UPDATE FaceData SET CreatedDate = 'a secret day' WHERE Id = 8")
    create(odd, tmp_path / "a")
    odd.close()
    with pytest.raises(InvalidRequest, match=r"FaceData .* row 8: error \d+ in CreatedDate") as caught:
        restore(mysql_database, tmp_path / "a")
    assert "secret" not in str(caught.value)
    assert everything(mysql_database) == {section: [] for section in Section}


def test_odd_rows_of_sqlite_are_kept_as_they_are(tmp_path: Path) -> None:
    opened = [open_database(f"sqlite:///{tmp_path}/{name}.db", pool_size=1) for name in "ab"]
    for database in opened:
        migrate(database)
    first, second = opened
    run(
        first,
        "INSERT INTO FaceData (PersonType, PersonCode, FaceDescriptor, CreatedDate, OriginalName, ImageData)"
        " VALUES (NULL, '', x'00ff', 'no day', 3.5, 'text'), (7, 'longer than ten', 12, -1, x'', 1e300),"
        " ('parent', 'S1  ', CAST(x'ff41' AS TEXT), '2024-02-30', CAST(x'c328' AS TEXT), NULL)",
        "INSERT INTO FaceRecognitionLogs (PersonCode, Confidence, Success) VALUES ('S1', 'high', 'yes')",
        "INSERT INTO Student (Id, StudentCode, EmailAddress) VALUES (-3, NULL, CAST(x'ff' AS TEXT))",
    )
    create(first, tmp_path / "a")
    restore(second, tmp_path / "a")
    before, after = everything(first), everything(second)
    assert [row[1:] for row in after.pop(Section.STUDENTS)] == [
        row[1:] for row in before.pop(Section.STUDENTS)
    ]
    assert after == before
    assert sum(tally.added for tally in restore(second, tmp_path / "a").tallies.values()) == 0
    restore(first, tmp_path / "a", RestoreMode.REPLACE)
    assert everything(first)[Section.FACES] == before[Section.FACES]
    for database in opened:
        database.close()


def test_odd_dates_of_mariadb_are_kept_as_they_are(mysql_database: SqlDatabase, tmp_path: Path) -> None:
    run(
        mysql_database,
        "INSERT INTO FaceData (PersonCode, CreatedDate) VALUES ('S1', '0000-00-00'), ('S1', '2024-02-00')",
    )
    create(mysql_database, tmp_path / "a")
    restored = open_database(f"sqlite:///{tmp_path}/b.db", pool_size=1)
    migrate(restored)
    restore(restored, tmp_path / "a")
    dates = [row[6] for row in rows(restored, Section.FACES)]
    assert dates == ["0000-00-00 00:00:00", "2024-02-00 00:00:00"]
    create(restored, tmp_path / "b")
    restored.close()
    before = everything(mysql_database)
    restore(mysql_database, tmp_path / "b", RestoreMode.REPLACE)
    assert everything(mysql_database) == before


def test_users_tables_in_latin1_can_be_saved_and_restored(mariadb: MariaDBServer, tmp_path: Path) -> None:
    database = open_database(
        mariadb.new_database(charset="latin1", collation="latin1_swedish_ci"), pool_size=1
    )
    person = (
        "CREATE TABLE {0} (Id INT AUTO_INCREMENT PRIMARY KEY, {0}Code CHAR(10), {0}Nickname VARCHAR(100),"
        " {0}Name VARCHAR(200), {0}Image LONGBLOB, EmailAddress VARCHAR(100), Campus VARCHAR(50),"
        " {1} VARCHAR(100), CreatedDate DATETIME, UNIQUE ({0}Code))"
    )
    run(database, person.format("Student", "Form"), person.format("Teacher", "Department"))
    migrate(database)
    put(database, tables.student, {"StudentCode": "é1", "StudentName": "Zoë"})
    create(database, tmp_path / "a")
    run(database, "DELETE FROM Student")
    restore(database, tmp_path / "a")
    assert read(database, "SELECT StudentCode, StudentName FROM Student") == [("é1", "Zoë")]
    database.close()


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    source, full = (open_database(f"sqlite:///{tmp_path}/{name}.db", pool_size=1) for name in ("a", "full"))
    for database in (source, full):
        migrate(database)
    for number in range(100):
        old_face(source, descriptor=f"[{number}]", ImageData=bytes(10_000))
    create(source, tmp_path / "a")
    source.close()
    before = everything(full)
    # Of its only connection.
    run(full, "PRAGMA max_page_count = 60")
    with pytest.raises(DatabaseError, match="disk is full"):
        restore(full, tmp_path / "a")
    assert everything(full) == before
    full.close()
