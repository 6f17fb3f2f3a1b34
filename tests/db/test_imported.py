"""From which photo a face came is known as long as the face is there, and no longer."""

import pytest

from db.copies import SqlCopies
from db.engine import SqlDatabase
from db.erasing import SqlEraser
from rollcall.core.backup import Section
from rollcall.core.erasure import Erasure
from rollcall.core.imports import PersonFaces
from rollcall.core.people import Person, PersonKey
from tests.backups import run
from tests.db.foreign import a_round
from tests.db.rows import embedding, new_face, old_face, read, student, teacher

HASH = "ab" * 32
OTHER = "cd" * 32


def add(database: SqlDatabase, person: PersonKey | None = None, sha256: str = HASH) -> int:
    with database.transaction() as records:
        return records.imported.add(new_face(person or student("S1")), sha256)


def of(database: SqlDatabase, person: PersonKey | None = None) -> PersonFaces:
    key = person or student("S1")
    with database.transaction() as records:
        return records.imported.of([key])[key]


def rows(database: SqlDatabase) -> int:
    count: int = read(database, "SELECT COUNT(*) FROM RollcallImported")[0][0]
    return count


def test_a_photo_is_known_however_the_code_is_spelt(database: SqlDatabase) -> None:
    face_id = add(database, student("Sx1"))
    assert of(database, student("sX1 ")) == PersonFaces(name=None, has_faces=True, imported={HASH: face_id})
    assert of(database, student("S2")) == PersonFaces(name=None, has_faces=False, imported={})
    assert of(database, teacher("Sx1")).has_faces is False


@pytest.mark.parametrize(("code", "other"), [("ΟΔΟΣ", "οδοσ"), ("Ünsal", "ÜNSAL"), ("Žofie", "žOFIE")])
def test_codes_beyond_ascii_are_known_too(database: SqlDatabase, code: str, other: str) -> None:
    face_id = add(database, student(code))
    assert of(database, student(other)).imported == {HASH: face_id}


def test_several_people_are_looked_up_at_once(database: SqlDatabase) -> None:
    ids = {student(f"S{number}"): add(database, student(f"S{number}")) for number in range(40)}
    with database.transaction() as records:
        records.people.add(Person(key=student("S3"), name="Ada"))
    with database.transaction() as records:
        found = records.imported.of([*ids, student("nobody")])
    assert {key: faces.imported for key, faces in found.items() if faces.has_faces} == {
        key: {HASH: face_id} for key, face_id in ids.items()
    }
    assert found[student("S3")].name == "Ada"
    with database.transaction() as records:
        assert records.imported.of([]) == {}


def test_faces_that_came_in_other_ways_count_as_faces(database: SqlDatabase) -> None:
    first = old_face(database, "S1")
    assert of(database) == PersonFaces(name=None, has_faces=True, imported={})
    second = add(database)
    with database.transaction() as records:
        assert sorted(records.imported.faces_of(student("s1"))) == [first, second]


def test_it_goes_with_the_face(database: SqlDatabase) -> None:
    face_id = add(database)
    with database.transaction() as records:
        assert records.faces.remove(face_id)
    assert (of(database).imported, rows(database)) == ({}, 0)
    add(database)
    with database.transaction() as records:
        assert records.faces.remove_person(student("S1")) == 1
    assert rows(database) == 0


def test_it_goes_with_the_person(database: SqlDatabase) -> None:
    add(database)
    add(database, student("S2"))
    erased = SqlEraser(database).erase(Erasure(person=student("S1")))
    assert erased.traces.rows["RollcallImported"] == 1
    assert read(database, "SELECT FoldedCode FROM RollcallImported") == [("s2",)]


def test_a_face_that_another_program_deletes_is_no_longer_known(database: SqlDatabase) -> None:
    a_round(database)
    face_id = add(database)
    run(database, f"DELETE FROM FaceData WHERE Id = {face_id}")
    assert of(database).imported == {}
    assert a_round(database) == 1
    assert rows(database) == 0


def test_a_face_that_another_program_gives_to_somebody_else_is_not_the_persons(
    database: SqlDatabase,
) -> None:
    face_id = add(database)
    run(database, f"UPDATE FaceData SET PersonCode = 'S2' WHERE Id = {face_id}")
    assert of(database) == PersonFaces(name=None, has_faces=False, imported={})
    again = add(database)
    assert of(database).imported == {HASH: again}


def test_another_picture_under_the_same_id_came_from_no_photo(database: SqlDatabase) -> None:
    a_round(database)
    face_id = add(database)
    run(database, f"UPDATE FaceData SET FaceDescriptor = '[1]' WHERE Id = {face_id}")
    a_round(database)
    assert rows(database) == 0


def test_restored_faces_came_from_no_photo(database: SqlDatabase) -> None:
    add(database)
    with SqlCopies(database).writing() as written:
        written.clear(Section.FACES)
    assert rows(database) == 0


def test_orphans_go_when_a_backup_is_restored(database: SqlDatabase) -> None:
    face_id = add(database)
    run(database, f"DELETE FROM FaceData WHERE Id = {face_id}")
    with SqlCopies(database).writing():
        pass
    assert rows(database) == 0


def test_two_photos_of_a_person_and_one_of_two_people_are_kept(database: SqlDatabase) -> None:
    first, second = add(database), add(database, sha256=OTHER)
    third = add(database, student("S2"))
    assert of(database).imported == {HASH: first, OTHER: second}
    assert of(database, student("S2")).imported == {HASH: third}


def test_an_import_that_fails_leaves_nothing(database: SqlDatabase) -> None:
    def add_and_fail() -> None:
        with database.transaction() as records:
            records.imported.add(new_face(student("S1"), embedding=embedding(3)), HASH)
            raise KeyError("fault")

    with pytest.raises(KeyError):
        add_and_fail()
    assert (rows(database), of(database).has_faces) == (0, False)
