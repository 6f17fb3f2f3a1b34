"""Archives of real databases, restored into real databases."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from db import tables
from db.copies import SqlCopies
from db.copy_reading import TABLES
from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.core.backup import ALL_COLUMNS, Contents, Section
from rollcall.core.calibration import Calibration, CalibrationSource
from rollcall.core.errors import InvalidRequest
from rollcall.core.people import Person
from rollcall.core.records import EVERYTHING as ALL_CHANGED
from rollcall.core.records import StoredCalibration
from rollcall.workflows.restore import RestoreMode
from tests.backups import check, create, everything, fill, restore, rows, run
from tests.db.rows import embedding, new_face, old_face, put, read, student
from tests.mariadb import MariaDBServer

VECTORS = (
    "SELECT PersonCode, Model, FaceId, Vector FROM RollcallEmbeddings JOIN FaceData ON FaceData.Id = FaceId"
    " WHERE Vector IS NOT NULL"
)


@pytest.fixture(params=["sqlite", "mariadb"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlDatabase]:
    """A database with people, faces, logs and attendance, to be restored into `database`."""
    server: MariaDBServer = request.getfixturevalue("mariadb")
    url = server.new_database() if request.param == "mariadb" else f"sqlite:///{tmp_path}/source.db"
    database = open_database(url, pool_size=2)
    migrate(database)
    fill(database)
    with database.transaction() as records:
        curve = Calibration(
            midpoint=0.1 + 0.2, slope=1 / 3, operating_point=0.31, source=CalibrationSource.STORED
        )
        records.calibrations.put(
            StoredCalibration(model="buffalo_l", calibration=curve, same_pairs=5, different_pairs=9)
        )
    put(database, tables.student, {"StudentCode": "pic", "StudentImage": b"\x00\xff'\\ image"})
    run(database, "INSERT INTO RollcallSettings (Name, Value) VALUES ('similarity_threshold', '0.4')")
    yield database
    database.close()


def test_the_archives_columns_are_the_tables(database: SqlDatabase) -> None:
    for section in Section:
        assert sorted(ALL_COLUMNS[section]) == sorted(TABLES[section].columns.keys())
    assert everything(database) == {section: [] for section in Section}


def test_every_row_comes_back_as_it_was(source: SqlDatabase, database: SqlDatabase, tmp_path: Path) -> None:
    manifest = create(source, tmp_path / "a")
    assert (manifest.counts[Section.STUDENTS], manifest.counts[Section.EMBEDDINGS]) == (6, 21)
    assert check(tmp_path / "a").manifest == manifest
    restored = restore(database, tmp_path / "a")
    assert {name: tally.added for name, tally in restored.tallies.items()} == {
        name: count for name, count in manifest.counts.items() if count
    }
    before, after = everything(source), everything(database)
    if source.kind != database.kind:
        # A decimal is text from MySQL and a number from SQLite.
        for found in (before, after):
            found[Section.LOGS] = [(*row[:3], float(row[3] or 0), *row[4:]) for row in found[Section.LOGS]]
    assert after == before
    create(database, tmp_path / "b")
    assert restore(source, tmp_path / "b").tallies[Section.LOGS].added == 0


def test_restoring_again_adds_nothing(source: SqlDatabase, database: SqlDatabase, tmp_path: Path) -> None:
    old_face(source, descriptor=None)
    put(source, tables.student, {"StudentCode": None, "StudentName": "Nobody"})
    create(source, tmp_path / "a")
    restore(database, tmp_path / "a")
    before = everything(database)
    again = restore(database, tmp_path / "a")
    assert sum(tally.added + tally.changed for tally in again.tallies.values()) == 0
    assert everything(database) == before


def test_a_merge_keeps_what_is_there_and_gives_new_ids_where_they_are_taken(
    source: SqlDatabase, database: SqlDatabase, tmp_path: Path
) -> None:
    with database.transaction() as records:
        records.people.add(Person(key=student("s0 "), name="Already here"))
        mine = records.faces.add(new_face(student("mine"), embedding=embedding(77)))
        same = records.faces.add(new_face(student("s0"), embedding=embedding(0)))
    create(source, tmp_path / "a")
    for _again in range(2):
        restore(database, tmp_path / "a")
        names = dict(read(database, "SELECT StudentCode, StudentName FROM Student"))
        assert names.pop("s0", None) == "Already here"
        assert "S0" not in names
        found = {
            (code.lower(), model): (face_id, vector)
            for code, model, face_id, vector in read(database, VECTORS)
        }
        assert len(rows(database, Section.FACES)) == 8
        assert found["mine", "buffalo_l"][0] == mine
        assert found["s0", "antelopev2"][0] == same
        for number, code in enumerate(("s0", "s1", "t2", "s3", "s4", "t5", "s6")):
            face_id, vector = found[code, "buffalo_l"]
            assert vector == embedding(number).tobytes()
            assert found[code, "antelopev2"] == (face_id, embedding(100 + number).tobytes())


def test_two_faces_without_a_descriptor_are_the_same_by_id_or_by_all_the_rest(
    database: SqlDatabase, tmp_path: Path
) -> None:
    first = old_face(database, descriptor=None, OriginalName="a.jpg")
    create(database, tmp_path / "a")
    run(database, f"UPDATE FaceData SET OriginalName = 'renamed' WHERE Id = {first}")
    assert restore(database, tmp_path / "a").tallies[Section.FACES].added == 0
    run(database, f"UPDATE FaceData SET PersonCode = 'another' WHERE Id = {first}")
    for added in (1, 0):
        assert restore(database, tmp_path / "a").tallies[Section.FACES].added == added
    assert len(rows(database, Section.FACES)) == 2


def test_embeddings_that_others_left_behind_are_neither_saved_nor_given_to_a_restored_face(
    source: SqlDatabase, database: SqlDatabase, tmp_path: Path
) -> None:
    for each in (source, database):
        put(each, tables.embeddings, {"FaceId": 5000, "Model": "buffalo_l", "Vector": b"\0\0\x80?"})
    put(database, tables.embeddings, {"FaceId": 2, "Model": "stranger", "Vector": b"\0\0\x80?"})
    assert create(source, tmp_path / "a").counts[Section.EMBEDDINGS] == 21
    restore(database, tmp_path / "a")
    assert read(database, "SELECT COUNT(*) FROM RollcallEmbeddings WHERE Model = 'stranger'") == [(0,)]


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


def test_after_a_restore_servers_read_everything_anew(
    source: SqlDatabase, database: SqlDatabase, tmp_path: Path
) -> None:
    put(database, tables.known_faces, {"FaceId": 1, "RowCheck": 2})
    create(source, tmp_path / "a")
    restore(database, tmp_path / "a")
    assert read(database, "SELECT FaceId FROM RollcallChanges") == [(ALL_CHANGED,)]
    assert read(database, "SELECT COUNT(*) FROM RollcallKnownFaces") == [(0,)]


def test_new_faces_get_ids_that_were_never_used(
    source: SqlDatabase, database: SqlDatabase, tmp_path: Path
) -> None:
    create(source, tmp_path / "a")
    restore(database, tmp_path / "a")
    last = max(row[0] for row in rows(database, Section.FACES) if isinstance(row[0], int))
    with database.transaction() as records:
        assert records.faces.add(new_face()) > last


def test_attendance_of_unknown_sessions_needs_the_sessions_first(
    source: SqlDatabase, database: SqlDatabase, tmp_path: Path
) -> None:
    create(source, tmp_path / "a")
    run(database, "ALTER TABLE Sessions ADD COLUMN Subject VARCHAR(50)")
    with pytest.raises(InvalidRequest, match="session 7"):
        restore(database, tmp_path / "a")
    assert everything(database) == {section: [] for section in Section}
    run(database, "INSERT INTO Sessions (Id) VALUES (7)")
    restore(database, tmp_path / "a")
    assert len(rows(database, Section.ATTENDANCE)) == 2


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


def test_an_archive_is_of_one_moment_while_others_write(source: SqlDatabase) -> None:
    with SqlCopies(source).reading() as readable:
        with source.transaction() as records:
            late = records.faces.add(new_face(student("late")))
            records.people.add(Person(key=student("late"), name="Late"))
        for section in (Section.STUDENTS, Section.FACES, Section.EMBEDDINGS):
            batches = list(readable.read(section, ALL_COLUMNS[section]))
            assert sum(len(batch.rows) for batch in batches) == readable.count(section)
            assert "late" not in json.dumps([row[:3] for batch in batches for row in batch.rows], default=str)
    with source.transaction() as records:
        assert records.faces.remove(late)
