"""The old server's descriptors are put away for newer ones, and put back byte for byte."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from db import tables
from db.engine import SqlDatabase, open_database
from db.erasing import SqlEraser
from db.migrate import migrate
from rollcall.core.erasure import Erasure
from rollcall.core.errors import InvalidRequest
from rollcall.core.faces import FALLBACK_MODEL, Embedding
from rollcall.core.legacy import Looked, Move, MovedRow, OldRow, PictureSource
from rollcall.core.people import PersonKey
from tests.db.foreign import a_round, changes, write
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
from tests.mariadb import MariaDBServer

MODEL = "buffalo_l"
OLD = np.array(OLD_NUMBERS, np.float32)
# As a hand or another program may have written them: all of it is to come back.
ODD = (
    "\r\n[ "
    + " ,\t".join(f"{number:.20e}" if n % 2 else f"{number}" for n, number in enumerate(OLD))
    + "\n ]  "
)

DATES = "CAST(SeenAt AS CHAR), CAST(CreatedDate AS CHAR)"


def rows(database: SqlDatabase) -> list[OldRow | MovedRow]:
    """All of them, as they are read a window after the other."""
    found: list[OldRow | MovedRow] = []
    after: int | None = 0
    while after is not None:
        with database.transaction() as records:
            window = records.old_descriptors.rows(after)
        assert window.seen >= len(window.rows)
        found += window.rows
        after = window.last_id
    return found


def one(database: SqlDatabase, face_id: int) -> OldRow:
    [row] = [row for row in rows(database) if row.id == face_id]
    assert isinstance(row, OldRow)
    return row


def move(database: SqlDatabase, *face_ids: int, vector: Embedding | None = None) -> list[bool]:
    found = [one(database, face_id) for face_id in face_ids]
    with database.transaction() as records:
        return [
            records.old_descriptors.move(to(records.old_descriptors.picture(row), row, vector))
            for row in found
        ]


def to(picture: bytes | None, row: OldRow, vector: Embedding | None = None) -> Move:
    assert picture is not None
    return Move(
        row=row, model=MODEL, embedding=embedding(row.id) if vector is None else vector, picture=picture
    )


def put_back(database: SqlDatabase, *face_ids: int) -> Looked:
    with database.transaction() as records:
        return records.old_descriptors.put_back(0, face_ids or None)


def checked(database: SqlDatabase) -> Looked:
    with database.transaction() as records:
        return records.old_descriptors.check(0)


def cells(database: SqlDatabase, columns: str = "*") -> Sequence[Any]:
    return read(database, f"SELECT {columns} FROM FaceData ORDER BY Id")


def written(database: SqlDatabase) -> Embedding:
    """The only FaceDescriptor."""
    [(descriptor,)] = cells(database, "FaceDescriptor")
    return np.array(json.loads(descriptor), np.float32)


def stored(database: SqlDatabase) -> list[tuple[int, str]]:
    """What our table has: faces and models, in order."""
    return [tuple(row) for row in read(database, "SELECT FaceId, Model FROM RollcallEmbeddings ORDER BY Id")]


@pytest.mark.parametrize("descriptor", [json.dumps(OLD_NUMBERS), ODD], ids=["plain", "odd"])
def test_a_moved_row_comes_back_byte_for_byte(database: SqlDatabase, descriptor: str) -> None:
    face_id = old_face(
        database, descriptor=descriptor, CreatedDate=datetime(2023, 9, 4, 8), OriginalName="é.jpg"
    )
    before, bytes_before = cells(database), cells(database, "HEX(FaceDescriptor)")
    assert move(database, face_id) == [True]
    assert np.array_equal(written(database), embedding(face_id))
    rest = "Id, PersonType, PersonCode, HEX(ImageData), OriginalName, ContentType, CreatedDate"
    moved_rest = cells(database, rest)
    assert read(database, "SELECT HEX(Descriptor) FROM RollcallOldDescriptors") == bytes_before
    assert checked(database) == Looked(right=[face_id], faults=[], last_id=None)
    assert put_back(database) == Looked(right=[face_id], faults=[], last_id=None)
    assert cells(database, "HEX(FaceDescriptor)") == bytes_before
    assert cells(database) == before
    assert cells(database, rest) == moved_rest
    assert stored(database) == []
    assert read(database, "SELECT * FROM RollcallOldDescriptors") == []


@pytest.mark.parametrize("charset", ["latin1", "utf8mb4", "binary"])
def test_a_column_of_any_character_set_gets_its_bytes_back_and_no_other_changes(
    mysql_database: SqlDatabase, charset: str
) -> None:
    kind = "LONGBLOB" if charset == "binary" else f"LONGTEXT CHARACTER SET {charset}"
    write(mysql_database, f"ALTER TABLE FaceData MODIFY FaceDescriptor {kind}")
    # MySQL changes such a column with every update that does not name it.
    stamp = "TIMESTAMP NULL DEFAULT '2020-01-01 00:00:00' ON UPDATE CURRENT_TIMESTAMP"
    write(mysql_database, f"ALTER TABLE FaceData ADD SeenAt {stamp}")
    face_id = old_face(mysql_database, descriptor=ODD)
    # Old rows may have such dates, which must not be refused when they are set to themselves.
    write(mysql_database, "UPDATE FaceData SET SeenAt = '0000-00-00', CreatedDate = '0000-00-00'")
    before = cells(mysql_database, f"HEX(FaceDescriptor), {DATES}")
    move(mysql_database, face_id)
    assert checked(mysql_database).right == [face_id]
    assert cells(mysql_database, DATES) == [before[0][1:]]
    assert cells(mysql_database, f"HEX(FaceDescriptor), {DATES}") != before
    put_back(mysql_database)
    assert cells(mysql_database, f"HEX(FaceDescriptor), {DATES}") == before


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


def test_rows_are_read_and_put_back_a_window_at_a_time(database: SqlDatabase) -> None:
    descriptor = json.dumps(OLD_NUMBERS)
    row = {"PersonType": "student", "PersonCode": "S1", "FaceDescriptor": descriptor, "ImageData": b"jpeg"}
    ids = put(database, tables.face_data, *[row] * 405)
    ours = new_face(model="scrfd_mbf", embedding=embedding(3, 128))
    with database.transaction() as records:
        records.faces.add(ours)
        assert records.old_descriptors.count() == 406
    found = rows(database)
    assert [row.id for row in found] == ids
    with database.transaction() as records:
        assert all(records.old_descriptors.move(to(b"jpeg", row)) for row in found if isinstance(row, OldRow))
    looked: list[Looked] = []
    while not looked or looked[-1].last_id is not None:
        after = (looked[-1].last_id or 0) if looked else 0
        with database.transaction() as records:
            looked.append(records.old_descriptors.put_back(after))
    assert [len(part.right) for part in looked] == [200, 200, 5]
    assert set(cells(database, "FaceDescriptor")[:-1]) == {(descriptor,)}


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


def test_a_row_that_another_program_changed_is_named_and_left_alone(database: SqlDatabase) -> None:
    kept, changed, deleted = (old_face(database, code=code) for code in ("a", "b", "c"))
    move(database, kept, changed, deleted)
    write(database, "UPDATE FaceData SET FaceDescriptor = '[1]' WHERE Id = :id", id=changed)
    write(database, "DELETE FROM FaceData WHERE Id = :id", id=deleted)
    assert [row.changed for row in rows(database) if isinstance(row, MovedRow)] == [False, True]
    for found in (checked(database), put_back(database)):
        assert found.right == [kept]
        assert [fault.face_id for fault in found.faults] == [changed, deleted]
        assert "Another program" in found.faults[0].problem
    assert cells(database, "Id, FaceDescriptor") == [(kept, json.dumps(OLD_NUMBERS)), (changed, "[1]")]


def test_a_row_that_gets_an_old_descriptor_again_can_be_moved_again(database: SqlDatabase) -> None:
    """As when an older backup is restored, or the old server enrols the face anew."""
    face_id = old_face(database)
    move(database, face_id, vector=embedding(1))
    again = json.dumps([0.25] * 128)
    write(database, "UPDATE FaceData SET FaceDescriptor = :again", again=again)
    assert move(database, face_id, vector=embedding(2)) == [True]
    assert np.array_equal(written(database), embedding(2))
    assert checked(database).right == [face_id]
    put_back(database)
    assert cells(database, "FaceDescriptor") == [(again,)]


def test_chosen_rows_are_put_back_alone(database: SqlDatabase) -> None:
    first, second, untouched = (old_face(database, code=code) for code in ("a", "b", "c"))
    move(database, first, second)
    found = put_back(database, second, untouched)
    assert found.right == [second]
    assert [(fault.face_id, fault.problem) for fault in found.faults] == [
        (untouched, "It has not been moved.")
    ]
    assert [isinstance(row, MovedRow) for row in rows(database)] == [True, False, False]


def test_what_is_damaged_is_told(database: SqlDatabase) -> None:
    lost, other, old = (old_face(database, code=code) for code in ("a", "b", "c"))
    move(database, lost, other, old)
    write(database, "DELETE FROM RollcallEmbeddings WHERE FaceId = :id", id=lost)
    write(database, "UPDATE RollcallEmbeddings SET Vector = 'x' WHERE FaceId = :id", id=other)
    write(database, "UPDATE RollcallOldDescriptors SET Descriptor = '[]' WHERE FaceId = :id", id=old)
    assert [fault.problem for fault in checked(database).faults] == [
        "Its embedding by buffalo_l is missing.",
        "Its FaceDescriptor is not its embedding by buffalo_l.",
        "The old descriptor that is kept cannot be read.",
    ]


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


def test_what_deletes_a_face_deletes_its_old_descriptor(database: SqlDatabase) -> None:
    removed, erased, foreign, kept = (old_face(database, code=code) for code in ("a", "b", "c", "d"))
    a_round(database)
    move(database, removed, erased, foreign, kept)
    with database.transaction() as records:
        records.faces.remove(removed)
    SqlEraser(database).erase(Erasure(person=student("b")))
    write(database, "DELETE FROM FaceData WHERE Id = :id", id=foreign)
    assert a_round(database) == 1
    assert read(database, "SELECT FaceId FROM RollcallOldDescriptors") == [(kept,)]
    write(database, "UPDATE FaceData SET FaceDescriptor = :numbers", numbers=json.dumps(OLD_NUMBERS))
    assert a_round(database) == 1
    assert read(database, "SELECT FaceId FROM RollcallOldDescriptors") == []
    assert isinstance(rows(database)[0], OldRow)


def test_a_table_without_transactions_is_refused(mysql_database: SqlDatabase) -> None:
    with mysql_database.transaction() as records:
        records.old_descriptors.require_transactions()
    write(mysql_database, "ALTER TABLE FaceData ENGINE=MyISAM")
    with mysql_database.transaction() as records, pytest.raises(InvalidRequest, match="ENGINE=InnoDB"):
        records.old_descriptors.require_transactions()


def test_an_account_without_the_right_to_alter_can_move_rows(mariadb: MariaDBServer) -> None:
    url = mariadb.new_database()
    owner = open_database(url, 1)
    migrate(owner)
    face_id = old_face(owner)
    database = open_database(mariadb.new_account(url, "SELECT, INSERT, UPDATE, DELETE"), 1)
    assert move(database, face_id) == [True]
    assert put_back(database).right == [face_id]
    database.close()
    owner.close()
