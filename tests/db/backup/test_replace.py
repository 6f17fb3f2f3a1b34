"""Restoring in place of what is there, and when that is refused."""

import json
import re
from pathlib import Path

import pytest

from db import tables
from db.engine import SqlDatabase
from rollcall.core.backup import Contents, Section
from rollcall.core.errors import InvalidRequest
from rollcall.core.people import Person
from rollcall.workflows.restore import RestoreMode
from tests.backups import create, everything, fill, restore, rows, run
from tests.db.moved_rows import move
from tests.db.rows import OLD_NUMBERS, new_face, old_face, put, read, student


def test_replace_makes_faces_what_the_archive_holds_and_can_be_undone(
    source: SqlDatabase, database: SqlDatabase, tmp_path: Path
) -> None:
    with database.transaction() as records:
        records.people.add(Person(key=student("s0 "), name="To be corrected"))
        records.people.add(Person(key=student("mine"), name="Not in the archive"))
        records.faces.add(new_face(student("mine")))
    before = everything(database)
    create(source, tmp_path / "a")
    restored = restore(database, tmp_path / "a", RestoreMode.REPLACE)
    assert rows(database, Section.FACES) == rows(source, Section.FACES)
    assert rows(database, Section.EMBEDDINGS) == rows(source, Section.EMBEDDINGS)
    names = dict(read(database, "SELECT StudentCode, StudentName FROM Student"))
    assert (names["S0"], names["mine"]) == ("Zoë Groß", "Not in the archive")
    assert len(names) == 7
    assert restored.undo is not None
    assert restored.undo.parent == tmp_path
    restore(database, restored.undo, RestoreMode.REPLACE)
    after = everything(database)
    for section in (Section.FACES, Section.EMBEDDINGS, Section.LOGS, Section.ATTENDANCE):
        assert after[section] == before[section]
    assert after[Section.STUDENTS][:2] == before[Section.STUDENTS]


def test_replace_leaves_what_the_archive_does_not_hold(database: SqlDatabase, tmp_path: Path) -> None:
    fill(database)
    create(database, tmp_path / "a", Contents())
    with pytest.raises(InvalidRequest, match=r"ImageData of FaceData.*--drop-images"):
        restore(database, tmp_path / "a", RestoreMode.REPLACE)
    before = everything(database)
    restore(database, tmp_path / "a", RestoreMode.REPLACE, drop_images=True)
    after = everything(database)
    assert [row[:-1] for row in after.pop(Section.FACES)] == [row[:-1] for row in before.pop(Section.FACES)]
    assert after == before


def test_replace_refuses_to_lose_what_others_keep_there(database: SqlDatabase, tmp_path: Path) -> None:
    fill(database)
    create(database, tmp_path / "a")
    run(database, "ALTER TABLE FaceData ADD COLUMN Notes VARCHAR(50)")
    restore(database, tmp_path / "a", RestoreMode.REPLACE)
    run(database, "UPDATE FaceData SET Notes = 'glasses' WHERE Id = 2")
    with pytest.raises(InvalidRequest, match="column Notes of FaceData"):
        restore(database, tmp_path / "a", RestoreMode.REPLACE)
    restore(database, tmp_path / "a")
    assert read(database, "SELECT Notes FROM FaceData WHERE Id = 2") == [("glasses",)]


def test_replace_refuses_to_lose_what_other_tables_refer_to(database: SqlDatabase, tmp_path: Path) -> None:
    fill(database)
    create(database, tmp_path / "a")
    run(
        database,
        "CREATE TABLE Lockers (Id INT PRIMARY KEY, FaceId INT,"
        " FOREIGN KEY (FaceId) REFERENCES FaceData (Id) ON DELETE CASCADE)",
        "INSERT INTO Lockers VALUES (1, 2)",
    )
    with pytest.raises(InvalidRequest, match="Lockers"):
        restore(database, tmp_path / "a", RestoreMode.REPLACE)
    assert read(database, "SELECT Id, FaceId FROM Lockers") == [(1, 2)]


def test_further_columns_of_people_keep_their_values(
    source: SqlDatabase, database: SqlDatabase, tmp_path: Path
) -> None:
    create(source, tmp_path / "a")
    put(database, tables.student, {"StudentCode": "S0", "StudentName": "Old"})
    run(database, "ALTER TABLE Student ADD COLUMN House VARCHAR(20)", "UPDATE Student SET House = 'Red'")
    restore(database, tmp_path / "a", RestoreMode.REPLACE)
    found = read(database, "SELECT StudentName, House FROM Student WHERE StudentCode = 'S0'")
    assert found == [("Zoë Groß", "Red")]


@pytest.mark.parametrize("mode", list(RestoreMode))
def test_tables_without_transactions_are_refused(
    mysql_database: SqlDatabase, tmp_path: Path, mode: RestoreMode
) -> None:
    fill(mysql_database)
    run(mysql_database, "ALTER TABLE FaceData ENGINE=MyISAM")
    create(mysql_database, tmp_path / "a")
    before = everything(mysql_database)
    with pytest.raises(InvalidRequest, match="FaceData knows no transactions"):
        restore(mysql_database, tmp_path / "a", mode)
    assert everything(mysql_database) == before


def test_a_replacement_that_fails_leaves_no_archive_of_the_state_before(
    source: SqlDatabase, database: SqlDatabase, tmp_path: Path
) -> None:
    archives = tmp_path / "archives"
    archives.mkdir()
    create(source, archives / "a")
    fill(database)
    run(database, "ALTER TABLE Sessions ADD COLUMN Subject VARCHAR(50)", "DELETE FROM AttendanceRecords")
    run(database, "DELETE FROM Sessions")
    before = everything(database)
    with pytest.raises(InvalidRequest, match="session 7"):
        restore(database, archives / "a", RestoreMode.REPLACE)
    assert everything(database) == before
    assert [file.name for file in archives.iterdir()] == ["a"]


def test_replace_leaves_nothing_of_faces_that_the_archive_lacks(
    source: SqlDatabase, database: SqlDatabase, tmp_path: Path
) -> None:
    create(source, tmp_path / "a")
    # The next face that gets its Id would be taken for it.
    face_id = old_face(database, Id=99, descriptor=json.dumps(OLD_NUMBERS))
    assert move(database, face_id) == [True]
    restore(database, tmp_path / "a", RestoreMode.REPLACE)
    assert read(database, "SELECT FaceId FROM RollcallOldDescriptors") == []


def test_names_of_archives_of_the_state_before_do_not_grow(
    source: SqlDatabase, database: SqlDatabase, tmp_path: Path
) -> None:
    create(source, tmp_path / "a")
    undo = tmp_path / "a"
    for _again in range(3):
        found = restore(database, undo, RestoreMode.REPLACE).undo
        assert found is not None
        assert re.fullmatch(r"a\.before-\w+", found.name)
        assert found != undo
        undo = found
