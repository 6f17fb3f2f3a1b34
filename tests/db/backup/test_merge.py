"""Archives of real databases, restored into real databases."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db import tables
from db.copies import SqlCopies
from db.copy_reading import TABLES
from db.engine import SqlDatabase
from rollcall.archive.files import ArchiveFiles
from rollcall.core.backup import ALL_COLUMNS, Batch, Contents, Origin, Section
from rollcall.core.errors import InvalidRequest
from rollcall.core.people import Person
from rollcall.core.records import EVERYTHING as ALL_CHANGED
from tests.backups import check, create, everything, restore, rows, run
from tests.db.rows import embedding, new_face, old_face, put, read, student

VECTORS = (
    "SELECT PersonCode, Model, FaceId, Vector FROM RollcallEmbeddings JOIN FaceData ON FaceData.Id = FaceId"
    " WHERE Vector IS NOT NULL"
)


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


def test_a_switch_under_way_is_not_restored(
    source: SqlDatabase, database: SqlDatabase, tmp_path: Path
) -> None:
    lasting = rows(source, Section.SETTINGS)
    run(source, "INSERT INTO RollcallSettings (Name, Value) VALUES ('next_model', 'other')")
    assert create(source, tmp_path / "a").counts[Section.SETTINGS] == len(lasting) == 1
    restore(database, tmp_path / "a")
    assert read(database, "SELECT Name FROM RollcallSettings") == [("similarity_threshold",)]


def test_nor_is_one_that_an_older_version_put_into_the_archive(database: SqlDatabase, tmp_path: Path) -> None:
    origin = Origin(created=datetime(2026, 11, 1, tzinfo=UTC), version="1.0.0", database="sqlite")
    moment = "2026-11-01 00:00:00"
    settings = [("log_retention_days", "30", moment), ("next_model", "other", moment)]
    batch = Batch(section=Section.SETTINGS, columns=ALL_COLUMNS[Section.SETTINGS], rows=settings)
    files = ArchiveFiles()
    with files.create(tmp_path / "a", origin, Contents(), passphrase=None, overwrite=False) as archive:
        archive.add(batch)
    assert restore(database, tmp_path / "a").tallies[Section.SETTINGS].added == 1
    assert read(database, "SELECT Name FROM RollcallSettings") == [("log_retention_days",)]


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
