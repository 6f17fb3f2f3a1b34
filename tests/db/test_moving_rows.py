"""Which rows of the old server are moved, and what becomes of what is known of their faces."""

import json

import numpy as np
import pytest

from db import tables
from db.engine import SqlDatabase
from rollcall.core.errors import InvalidRequest
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.legacy import MovedRow, OldRow, PictureSource
from rollcall.core.people import PersonKey
from tests.db.foreign import a_round, changes, write
from tests.db.moved_rows import (
    MODEL,
    OLD,
    cells,
    checked,
    move,
    one,
    put_back,
    rows,
    stored,
    to,
    written,
)
from tests.db.rows import (
    OLD_NUMBERS,
    add_embedding,
    embedding,
    entries,
    new_face,
    note_unreadable,
    old_face,
    put,
    read,
    student,
    teacher,
)


def test_only_the_old_servers_rows_are_found(database: SqlDatabase) -> None:
    old = old_face(database)
    embedded = old_face(database)
    twice_embedded = old_face(database)
    for descriptor in (None, "", "[]", "not json", json.dumps(["1"] * 128), json.dumps([0.5] * 512)):
        old_face(database, descriptor=descriptor)
    with database.transaction() as records:
        add_embedding(records, embedded, MODEL, embedding(1))
        note_unreadable(records, old, MODEL, "NO_FACE_DETECTED")
        add_embedding(records, twice_embedded, MODEL, embedding(1))
        # dlib gives the very numbers of the old server for the same picture.
        add_embedding(records, twice_embedded, FALLBACK_MODEL, OLD)
        records.faces.add(new_face(embedding=embedding(2)))
        records.faces.add(new_face(model="scrfd_mbf", embedding=embedding(3, 128)))
        enrolled = records.faces.add(new_face(model="scrfd_mbf", embedding=embedding(4, 128)))
        add_embedding(records, enrolled, MODEL, embedding(4))
        records.faces.add(new_face(model=FALLBACK_MODEL, embedding=OLD))
    found = rows(database)
    assert [row.id for row in found] == [old, embedded, twice_embedded]
    assert all(isinstance(row, OldRow) and np.array_equal(row.descriptor, OLD) for row in found)
    move(database, old)
    first = rows(database)[0]
    assert first == MovedRow(id=old, type="student", code="OLD1", model=MODEL, changed=False)


def test_a_row_that_was_changed_meanwhile_is_not_moved(database: SqlDatabase) -> None:
    face_id = old_face(database)
    row = one(database, face_id)
    for change in (
        "ImageData = X'6E6577'",
        "ImageData = NULL",
        "FaceDescriptor = '[1]'",
        "FaceDescriptor = NULL",
    ):
        write(database, f"UPDATE FaceData SET {change}")
        before = cells(database)
        with database.transaction() as records:
            assert not records.old_descriptors.move(to(b"jpeg", row))
        assert cells(database) == before
        assert stored(database) == []
        write(
            database,
            "UPDATE FaceData SET ImageData = X'6A706567', FaceDescriptor = :old",
            old=json.dumps(OLD_NUMBERS),
        )
    write(database, "DELETE FROM FaceData")
    with database.transaction() as records:
        assert not records.old_descriptors.move(to(b"jpeg", row))
    assert read(database, "SELECT * FROM RollcallOldDescriptors") == []


def test_a_row_is_moved_once_however_many_try(database: SqlDatabase) -> None:
    face_id = old_face(database)
    row = one(database, face_id)
    move(database, face_id)
    before = (cells(database), changes(database))
    with database.transaction() as records:
        assert records.old_descriptors.move(to(b"jpeg", row, embedding(99)))
    assert (cells(database), changes(database)) == before


def test_an_embedding_that_was_there_is_the_rows_and_stays(database: SqlDatabase) -> None:
    face_id = old_face(database)
    with database.transaction() as records:
        add_embedding(records, face_id, MODEL, embedding(7))
        add_embedding(records, face_id, "antelopev2", embedding(8))
    another_backends = embedding(7) + np.float32(0.001)
    move(database, face_id, vector=another_backends)
    assert checked(database).right == [face_id]
    assert np.array_equal(written(database), embedding(7))
    put_back(database)
    assert stored(database) == [(face_id, MODEL), (face_id, "antelopev2")]


def test_an_embedding_of_another_picture_gives_way_where_there_is_a_picture(database: SqlDatabase) -> None:
    face_id = old_face(database)
    with database.transaction() as records:
        add_embedding(records, face_id, MODEL, embedding(7))
    move(database, face_id, vector=embedding(9))
    assert checked(database).right == [face_id]
    assert np.array_equal(written(database), embedding(9))
    put_back(database)
    assert stored(database) == []


def test_an_embedding_that_cannot_be_made_again_stays(database: SqlDatabase) -> None:
    put(database, tables.student, {"StudentCode": "S1", "StudentImage": b"a picture"})
    face_id = old_face(database, code="S1", ImageData=None)
    with database.transaction() as records:
        add_embedding(records, face_id, MODEL, embedding(7))
    move(database, face_id, vector=embedding(9))
    assert np.array_equal(written(database), embedding(7))
    put_back(database)
    assert stored(database) == [(face_id, MODEL)]


def test_a_note_that_no_face_was_found_gives_way(database: SqlDatabase) -> None:
    face_id = old_face(database)
    with database.transaction() as records:
        note_unreadable(records, face_id, MODEL, "NO_FACE_DETECTED")
    move(database, face_id)
    assert checked(database).right == [face_id]
    put_back(database)
    assert stored(database) == []


def test_galleries_are_told_and_nothing_is_taken_for_another_programs_doing(database: SqlDatabase) -> None:
    face_id = old_face(database)
    a_round(database)
    for step in (lambda: move(database, face_id), lambda: put_back(database)):
        before = len(changes(database))
        step()
        assert list(changes(database))[before:] == [face_id]
        assert a_round(database) == 0
        with database.transaction() as records:
            [entry] = entries(records.faces.embeddings())
        assert entry.model == (FALLBACK_MODEL if len(stored(database)) == 0 else MODEL)


def test_an_embedding_of_a_picture_that_another_program_replaced_is_not_taken_over(
    database: SqlDatabase,
) -> None:
    with database.transaction() as records:
        face_id = records.faces.add(new_face(embedding=embedding(5)))
    statement = "UPDATE FaceData SET FaceDescriptor = :numbers, ImageData = X'6A706567'"
    write(database, statement, numbers=json.dumps(OLD_NUMBERS))
    move(database, face_id, vector=embedding(6))
    assert np.array_equal(written(database), embedding(6))


@pytest.mark.parametrize("person", [student("s1 "), teacher("S1")])
def test_a_row_without_a_picture_takes_its_persons(database: SqlDatabase, person: PersonKey) -> None:
    for prefix, picture in (("Student", b"of a student"), ("Teacher", b"of a teacher")):
        table = tables.metadata.tables[prefix]
        put(
            database,
            table,
            {f"{prefix}Code": "S2", f"{prefix}Image": b"another's"},
            {f"{prefix}Code": "S1", f"{prefix}Image": picture},
        )
    face_id = old_face(database, code=person.code, PersonType=person.type.value.title(), ImageData=b"")
    row = one(database, face_id)
    assert row.source is PictureSource.PERSON
    with database.transaction() as records:
        assert records.old_descriptors.picture(row) == f"of a {person.type}".encode()
    assert move(database, face_id) == [True]
    put_back(database)
    stale = one(database, face_id)
    write(database, "UPDATE FaceData SET ImageData = X'6F776E'")
    with database.transaction() as records:
        assert not records.old_descriptors.move(to(b"of a student", stale))
    assert one(database, face_id).source is PictureSource.OWN


def test_a_row_without_any_picture_says_so(database: SqlDatabase) -> None:
    put(database, tables.student, {"StudentCode": "S1"}, {"StudentCode": "S2", "StudentImage": b""})
    for code in ("S1", "S2", "S3"):
        old_face(database, code=code, ImageData=None)
    old_face(database, PersonType="parent", ImageData=None)
    assert [row.source for row in rows(database) if isinstance(row, OldRow)] == [None] * 4
    write(database, "ALTER TABLE Student DROP COLUMN StudentImage")
    assert len(rows(database)) == 4


def test_a_table_without_transactions_is_refused(mysql_database: SqlDatabase) -> None:
    with mysql_database.transaction() as records:
        records.old_descriptors.require_transactions()
    write(mysql_database, "ALTER TABLE FaceData ENGINE=MyISAM")
    with mysql_database.transaction() as records, pytest.raises(InvalidRequest, match="ENGINE=InnoDB"):
        records.old_descriptors.require_transactions()
