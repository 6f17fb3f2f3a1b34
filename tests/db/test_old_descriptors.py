"""The old server's descriptors are put away for newer ones, and put back byte for byte."""

import json
from datetime import datetime

import numpy as np
import pytest

from db import tables
from db.engine import SqlDatabase, open_database
from db.erasing import SqlEraser
from db.migrate import migrate
from rollcall.core.erasure import Erasure
from rollcall.core.legacy import Looked, MovedRow, OldRow
from tests.db.foreign import a_round, write
from tests.db.moved_rows import (
    DATES,
    ODD,
    cells,
    checked,
    move,
    put_back,
    rows,
    stored,
    to,
    written,
)
from tests.db.rows import (
    OLD_NUMBERS,
    embedding,
    new_face,
    old_face,
    put,
    read,
    student,
)
from tests.mariadb import MariaDBServer


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
