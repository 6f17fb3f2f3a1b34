"""Enrolling, listing and forgetting faces."""

import json
from datetime import datetime

import numpy as np
import pytest
from sqlalchemy import select

from db import tables
from db.engine import SqlDatabase
from db.listing import UNKNOWN_DATE
from rollcall.core.errors import ImageTooLarge
from rollcall.core.people import Person, PersonType
from tests.db.rows import add_embedding, embedding, entries, new_face, old_face, put, read, student, teacher


def test_an_enrolled_face_is_stored_in_full(database: SqlDatabase) -> None:
    face = new_face(student("S1"), original_name="n" * 300)
    with database.transaction() as records:
        face_id = records.faces.add(face)
    with database.connection() as connection:
        row = connection.execute(select(tables.face_data).where(tables.face_data.c.Id == face_id)).one()
    assert (row.PersonType, row.PersonCode, row.ContentType) == ("student", "S1", "image/jpeg")
    assert bytes(row.ImageData) == face.image
    assert row.OriginalName == "n" * 255
    assert isinstance(row.CreatedDate, datetime)
    descriptor = np.array(json.loads(row.FaceDescriptor), dtype=np.float32)
    np.testing.assert_array_equal(descriptor, face.embedding)


def test_every_byte_of_a_picture_comes_back(database: SqlDatabase) -> None:
    image = bytes(range(256)) * 4000
    with database.transaction() as records:
        records.faces.add(new_face(image=image))
        assert records.faces.images_lacking("other", 1)[0].image == image


def test_faces_are_counted_by_person(database: SqlDatabase) -> None:
    with database.transaction() as records:
        for person in (student("a"), student("A "), teacher("a")):
            records.faces.add(new_face(person))
        assert records.faces.count() == 3
        assert records.faces.count(student("a")) == 2
        assert records.faces.count(teacher("A")) == 1
        assert records.faces.count(student("b")) == 0


def test_removing_a_face_removes_its_embeddings(database: SqlDatabase) -> None:
    with database.transaction() as records:
        face_id = records.faces.add(new_face())
        add_embedding(records, face_id, "antelopev2", embedding(2))
        assert records.faces.remove(face_id)
        assert not records.faces.remove(face_id)
    assert read(database, "SELECT COUNT(*) FROM RollcallEmbeddings") == [(0,)]
    assert read(database, "SELECT COUNT(*) FROM FaceData") == [(0,)]


def test_removing_a_person_removes_all_faces_of_that_person_only(database: SqlDatabase) -> None:
    with database.transaction() as records:
        gone = [records.faces.add(new_face(student(code))) for code in ("x1", "X1")]
        kept = [records.faces.add(new_face(person)) for person in (teacher("x1"), student("x10"))]
        before = records.changes.latest()
        assert records.faces.remove_person(student("X1 ")) == 2
        assert records.changes.after(before).changed == frozenset(gone)
        assert [face.face_id for face in entries(records.faces.embeddings())] == kept


def test_removing_an_unknown_person_removes_nothing(database: SqlDatabase) -> None:
    with database.transaction() as records:
        records.faces.add(new_face())
        before = records.changes.latest()
        assert records.faces.remove_person(student("nobody")) == 0
        assert records.changes.latest() == before


def test_removing_a_face_that_others_deleted_tells_the_galleries(database: SqlDatabase) -> None:
    with database.transaction() as records:
        face_id = records.faces.add(new_face())
    with database.connection() as connection:
        connection.execute(tables.face_data.delete())
    with database.transaction() as records:
        before = records.changes.latest()
        assert not records.faces.remove(face_id)
        assert records.changes.after(before).changed == frozenset({face_id})
    assert read(database, "SELECT COUNT(*) FROM RollcallEmbeddings") == [(0,)]


def test_the_id_of_a_removed_face_is_not_given_again(database: SqlDatabase) -> None:
    with database.transaction() as records:
        first = records.faces.add(new_face())
        records.faces.remove(first)
        assert records.faces.add(new_face()) > first


def test_the_list_names_persons_and_tells_pages_from_the_total(database: SqlDatabase) -> None:
    with database.transaction() as records:
        records.people.add(Person(key=student("s1"), name="Ann"))
        records.people.add(Person(key=student("S1"), name="Ann again"))
        records.people.add(Person(key=teacher("t1"), name="Tom"))
        persons = (student("S1"), teacher("T1"), student("s2"))
        ids = [records.faces.add(new_face(person)) for person in persons]
        everyone, total = records.faces.list(type=None, code=None, limit=None, offset=0)
        assert [(face.id, face.person, face.person_name) for face in everyone] == list(
            zip(ids, persons, ("Ann", "Tom", None), strict=True)
        )
        assert total == 3
        page, total = records.faces.list(type=PersonType.STUDENT, code=None, limit=1, offset=1)
        assert ([face.id for face in page], total) == ([ids[2]], 2)
        rest, total = records.faces.list(type=None, code=None, limit=None, offset=2)
        assert ([face.id for face in rest], total) == ([ids[2]], 3)
        of_code, total = records.faces.list(type=None, code="S1  ", limit=None, offset=0)
        assert ([face.id for face in of_code], total) == ([ids[0]], 1)
        assert records.faces.list(type=PersonType.TEACHER, code="s1", limit=5, offset=0) == ([], 0)
        assert all(isinstance(face.enrollment_date, datetime) for face in everyone)


@pytest.mark.parametrize(("image", "has_image"), [(None, False), (b"", False), (b"x", True)])
def test_the_list_says_which_faces_have_a_picture(
    database: SqlDatabase, image: bytes | None, has_image: bool
) -> None:
    old_face(database, ImageData=image)
    with database.transaction() as records:
        (face,), _ = records.faces.list(type=None, code=None, limit=None, offset=0)
    assert face.has_image is has_image


def test_an_old_row_without_a_date_is_listed_with_the_epoch(database: SqlDatabase) -> None:
    old_face(database, CreatedDate=None)
    with database.transaction() as records:
        (face,), _ = records.faces.list(type=None, code=None, limit=None, offset=0)
    assert face.enrollment_date == UNKNOWN_DATE


def test_rows_that_are_nobodys_face_are_not_listed(database: SqlDatabase) -> None:
    old_face(database, code=" ")
    old_face(database, PersonType="parent")
    listed = old_face(database, PersonType="Student")
    with database.transaction() as records:
        faces, total = records.faces.list(type=None, code=None, limit=None, offset=0)
    assert ([face.id for face in faces], total) == ([listed], 1)
    assert faces[0].person == student("old1")


def test_a_failed_enrolment_leaves_nothing_half_written(database: SqlDatabase) -> None:
    def enrol_and_fail() -> None:
        with database.transaction() as records:
            records.people.add(Person(key=student("S1"), name="Ann"))
            records.faces.add(new_face(student("S1")))
            raise KeyError("fault")

    with pytest.raises(KeyError):
        enrol_and_fail()
    for table in ("Student", "FaceData", "RollcallEmbeddings", "RollcallChanges"):
        assert read(database, f"SELECT COUNT(*) FROM {table}") == [(0,)], table


def test_other_columns_of_a_persons_row_are_left_alone(database: SqlDatabase) -> None:
    put(database, tables.student, {"StudentCode": "S1", "StudentName": "Ann", "Form": "7b"})
    with database.transaction() as records:
        records.faces.add(new_face(student("s1")))
    assert read(database, "SELECT StudentCode, StudentName, Form FROM Student") == [("S1", "Ann", "7b")]


def test_a_picture_beyond_the_databases_limit_is_refused_before_it_is_sent(database: SqlDatabase) -> None:
    picture = bytes(9 * 2**20)  # MariaDB takes 16 MB at a time by default, and bytes are sent as hex digits
    if database.kind == "sqlite":
        with database.transaction() as records:
            assert records.faces.add(new_face(image=picture))
        return
    with pytest.raises(ImageTooLarge, match="max_allowed_packet"), database.transaction() as records:
        records.faces.add(new_face(image=picture))
    database.run_sync(lambda records: records.faces.add(new_face(image=picture[: 7 * 2**20])))
