"""Other programs write to FaceData, and it is noticed."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from db import tables
from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.people import Person
from rollcall.core.records import EVERYTHING
from rollcall.workflows.notice_foreign_writes import DESCRIPTORS_A_STEP, NoticeForeignWrites
from tests.db.foreign import a_round, changes, enrol, write
from tests.db.rows import (
    OLD_NUMBERS,
    add_embedding,
    embedding,
    new_face,
    note_unreadable,
    old_face,
    read,
    student,
)
from tests.mariadb import MariaDBServer

OTHER_DESCRIPTOR = json.dumps([0.25] * 128)


def test_the_faces_of_an_old_database_are_told_of_all_at_once(database: SqlDatabase) -> None:
    ids = [old_face(database, code=f"c{n}") for n in range(3)]
    assert a_round(database) == 0
    assert changes(database) == [EVERYTHING]
    assert [row[0] for row in read(database, "SELECT FaceId FROM RollcallKnownFaces")] == ids
    assert a_round(database) == 0
    assert changes(database) == [EVERYTHING]


def test_the_first_look_at_a_large_old_database_is_taken_up_again_where_it_was_interrupted(
    database: SqlDatabase,
) -> None:
    with database.connection() as connection:
        rows = [{"PersonType": "student", "PersonCode": f"c{n}"} for n in range(1200)]
        connection.execute(tables.face_data.insert(), rows)
    with database.transaction() as records:
        assert records.known_faces.fill(0) == 500
    ours = enrol(database)
    write(database, "DELETE FROM FaceData WHERE Id = 7")
    assert a_round(database) == 1
    assert changes(database) == [ours, EVERYTHING, 7]
    assert read(database, "SELECT COUNT(*) FROM RollcallKnownFaces") == [(1200,)]


def test_an_empty_database_has_nothing_to_tell(followed: SqlDatabase) -> None:
    assert changes(followed) == []
    old_face(followed)
    assert a_round(followed) == 1


def test_an_unchanged_database_appends_nothing(followed: SqlDatabase) -> None:
    enrol(followed)
    old_face(followed)
    a_round(followed)
    before = changes(followed)
    assert [a_round(followed) for _ in range(3)] == [0] * 3
    assert changes(followed) == before


def test_an_inserted_row_is_noticed_once(followed: SqlDatabase) -> None:
    face_id = old_face(followed)
    assert a_round(followed) == 1
    assert changes(followed) == [face_id]
    assert a_round(followed) == 0


def test_a_deleted_row_is_noticed_and_its_embeddings_go(followed: SqlDatabase) -> None:
    gone, kept = enrol(followed), enrol(followed, "S2")
    write(followed, "DELETE FROM FaceData WHERE Id = :id", id=gone)
    assert a_round(followed) == 1
    assert changes(followed) == [gone, kept, gone]
    assert read(followed, "SELECT FaceId FROM RollcallEmbeddings") == [(kept,)]
    assert read(followed, "SELECT FaceId FROM RollcallKnownFaces") == [(kept,)]
    assert a_round(followed) == 0


@pytest.mark.parametrize(
    "change", ["PersonCode = 'S2'", "PersonCode = 's1'", "PersonType = 'teacher'", "PersonType = NULL"]
)
def test_a_row_given_to_another_person_is_noticed_and_keeps_its_embedding(
    followed: SqlDatabase, change: str
) -> None:
    face_id = enrol(followed)
    write(followed, f"UPDATE FaceData SET {change}")
    assert a_round(followed) == 1
    assert changes(followed) == [face_id, face_id]
    assert read(followed, "SELECT Model FROM RollcallEmbeddings") == [("buffalo_l",)]
    assert a_round(followed) == 0


def test_another_descriptor_makes_it_the_old_servers_row_until_its_picture_is_read_anew(
    followed: SqlDatabase,
) -> None:
    face_id = enrol(followed)
    with followed.transaction() as records:
        note_unreadable(records, face_id, "other", "NO_FACE_DETECTED")
    statement = "UPDATE FaceData SET FaceDescriptor = :numbers, ImageData = :picture"
    write(followed, statement, numbers=OTHER_DESCRIPTOR, picture=b"new")
    assert a_round(followed) == 1
    assert changes(followed) == [face_id, face_id]
    assert read(followed, "SELECT COUNT(*) FROM RollcallEmbeddings") == [(0,)]
    with followed.transaction() as records:
        assert records.faces.count_lacking(FALLBACK_MODEL) == 0
        for model in ("buffalo_l", "other"):
            assert [one.image for one in records.faces.images_lacking(model, 5)] == [b"new"]
        add_embedding(records, face_id, "buffalo_l", embedding(3))
    assert a_round(followed) == 0


@pytest.mark.parametrize("first", [None, "", OTHER_DESCRIPTOR])
@pytest.mark.parametrize("second", [None, "", json.dumps(OLD_NUMBERS), "\u00e9 \U0001f600"])
def test_any_change_of_a_descriptor_is_noticed(
    followed: SqlDatabase, first: str | None, second: str | None
) -> None:
    old_face(followed, descriptor=first)
    assert a_round(followed) == 1
    write(followed, "UPDATE FaceData SET FaceDescriptor = :numbers", numbers=second)
    assert a_round(followed) == (first != second)
    assert a_round(followed) == 0


def test_descriptors_are_compared_some_at_each_round(followed: SqlDatabase) -> None:
    count = 2 * DESCRIPTORS_A_STEP + 100
    with followed.connection() as connection:
        rows = [{"PersonType": "student", "PersonCode": f"c{n}"} for n in range(count)]
        connection.execute(tables.face_data.insert(), rows)
    assert a_round(followed) == count
    notice = NoticeForeignWrites(database=followed, descriptors_a_round=DESCRIPTORS_A_STEP)
    write(followed, "UPDATE FaceData SET FaceDescriptor = '[0.5]' WHERE Id % 100 = 0")
    assert [asyncio.run(notice.round()) for _ in range(4)] == [5, 5, 1, 0]
    write(followed, "UPDATE FaceData SET FaceDescriptor = '[0.25]' WHERE Id = 600")
    assert sum(asyncio.run(notice.round()) for _ in range(3)) == 1


def test_another_picture_alone_is_not_noticed(followed: SqlDatabase) -> None:
    enrol(followed)
    write(followed, "UPDATE FaceData SET ImageData = :picture", picture=b"new")
    assert a_round(followed) == 0


ODD_ROWS: Sequence[dict[str, Any]] = (
    {"PersonType": None, "code": ""},
    {"PersonType": "", "code": " "},
    {"PersonType": "NULL", "code": "x"},
    {"PersonType": "'x'", "code": "'\\\"%s:1"},
    {"PersonType": "parent", "code": "\u03c3\u00df\U0001f600"},
    {"descriptor": "secret", "code": "a\tb\n"},
    {"descriptor": None, "ImageData": None},
    {"descriptor": "[" * 100_000},
)


def test_odd_rows_are_noticed_once_and_do_not_disturb(followed: SqlDatabase) -> None:
    ids = [old_face(followed, **{"code": "OLD1", **row}) for row in ODD_ROWS]
    assert a_round(followed) == len(ids)
    assert changes(followed) == ids
    assert a_round(followed) == 0


def test_letters_that_move_from_the_type_to_the_code_are_noticed(followed: SqlDatabase) -> None:
    old_face(followed, PersonType="ab", code="c")
    a_round(followed)
    write(followed, "UPDATE FaceData SET PersonType = 'a', PersonCode = 'bc'")
    assert a_round(followed) == 1


def test_values_that_sqlite_takes_in_any_column_do_not_disturb(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=2)
    migrate(database)
    a_round(database)
    statement = "INSERT INTO FaceData (PersonType, PersonCode, FaceDescriptor) VALUES "
    odd = "('student', 12, 0.5), (x'ff00', x'ff', x'ff'), (CAST(x'ff' AS TEXT), '', CAST(x'ff' AS TEXT))"
    write(database, statement + odd)
    assert [a_round(database), a_round(database)] == [3, 0]
    write(database, "UPDATE FaceData SET PersonCode = '12' WHERE PersonCode = 12")
    assert a_round(database) == 0  # a CHAR column keeps the number 12 as text
    database.close()


def test_many_thousands_of_foreign_writes_are_all_noticed(followed: SqlDatabase) -> None:
    with followed.connection() as connection:
        rows = [{"Id": 3 * n, "PersonType": "student", "PersonCode": f"c{n}"} for n in range(1, 6201)]
        connection.execute(tables.face_data.insert(), rows)
    assert a_round(followed) == 6200
    assert changes(followed) == [row["Id"] for row in rows]
    write(followed, "UPDATE FaceData SET PersonCode = 'x' WHERE Id % 2 = 0")
    write(followed, "DELETE FROM FaceData WHERE Id % 2 = 1")
    old_face(followed, Id=1)
    assert a_round(followed) == 6201
    assert a_round(followed) == 0


def test_small_steps_find_what_one_great_step_finds(followed: SqlDatabase) -> None:
    ids = [old_face(followed, code=f"c{n}", Id=10 * n) for n in range(1, 30)]
    a_round(followed)
    write(followed, "DELETE FROM FaceData WHERE Id IN (10, 50, 60, 290)")
    write(followed, "UPDATE FaceData SET PersonCode = 'x' WHERE Id IN (30, 40, 280)")
    write(followed, "UPDATE FaceData SET FaceDescriptor = NULL WHERE Id IN (100, 110)")
    for new in (1, 55, 295, 300):
        old_face(followed, Id=new)
    found, after = list[int](), 0
    with followed.transaction() as records:
        while True:
            last, differing = records.known_faces.compare(after, size=3, descriptors=True)
            found.extend(differing)
            if last is None:
                break
            after = last
        assert records.known_faces.compare(0, size=len(ids) + 1, descriptors=True) == (None, found)
    assert found == [1, 10, 30, 40, 50, 55, 60, 100, 110, 280, 290, 295, 300]


@pytest.mark.parametrize(
    "options",
    [
        "ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_bin",
        "ENGINE=MyISAM DEFAULT CHARSET=utf8mb3",
        "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 ROW_FORMAT=COMPACT",
    ],
)
def test_users_tables_of_any_kind_are_followed(mariadb: MariaDBServer, options: str) -> None:
    database = open_database(mariadb.new_database(charset="latin1", collation="latin1_swedish_ci"), 3)
    columns = (
        "Id INT AUTO_INCREMENT PRIMARY KEY, PersonType VARCHAR(20) CHARACTER SET ascii, PersonCode CHAR(10),"
        " ImageData LONGBLOB, FaceDescriptor LONGTEXT, OriginalName VARCHAR(255), ContentType VARCHAR(100),"
        " CreatedDate DATETIME"
    )
    write(database, f"CREATE TABLE FaceData ({columns}) {options}")
    first = old_face(database, code="\u00e4\u00f6\u00fc  ")
    migrate(database)
    assert a_round(database) == 0
    second = old_face(database, PersonCode=None)
    with database.transaction() as records:
        records.people.add(Person(key=student("S1"), name="Ann"))
        third = records.faces.add(new_face())
    assert a_round(database) == 1
    write(database, "UPDATE FaceData SET PersonCode = :code WHERE Id = :id", code="\u00e5", id=first)
    assert [a_round(database), a_round(database)] == [1, 0]
    assert changes(database) == [EVERYTHING, third, second, first]
    database.close()
