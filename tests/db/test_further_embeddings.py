"""What further models make of enrolled faces: stored together, asked for, and pruned."""

import zlib
from collections.abc import Sequence

import pytest

from db import tables
from db.engine import SqlDatabase
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.matching import Thresholds
from rollcall.core.models import NO_IMAGE, WAITING, LeftFace
from rollcall.core.records import FurtherEmbedding
from rollcall.gallery.gallery import FaceGallery
from tests.db.rows import embedding, entries, new_face, old_face, put, read, student

OLD, NEW = "buffalo_l", "antelopev2"


def enrol(database: SqlDatabase, count: int, **changed: object) -> list[int]:
    """Faces of S0, S1 and so on by the old model; the picture of the i-th is the byte 65 + i."""
    with database.transaction() as records:
        return [
            records.faces.add(
                new_face(student(f"S{i}"), **{"embedding": embedding(i), "image": bytes([65 + i]), **changed})
            )
            for i in range(count)
        ]


def made(face_id: int, place: int, problem: str | None = None) -> FurtherEmbedding:
    """What the new model made of the i-th face."""
    vector = None if problem else embedding(100 + place)
    return FurtherEmbedding(
        face_id=face_id, image_crc32=zlib.crc32(bytes([65 + place])), vector=vector, problem=problem
    )


def add(database: SqlDatabase, *further: FurtherEmbedding, model: str = NEW) -> int:
    return database.run_sync(lambda records: records.faces.add_further(model, further))


def stored(database: SqlDatabase, model: str = NEW) -> Sequence[tuple[int, str | None]]:
    query = f"SELECT FaceId, Problem FROM RollcallEmbeddings WHERE Model = '{model}' ORDER BY FaceId"
    return [(row[0], row[1]) for row in read(database, query)]


def test_several_faces_get_their_embeddings_at_once_and_the_galleries_follow(database: SqlDatabase) -> None:
    gallery = FaceGallery(database, limit=60)
    ids = enrol(database, 3)
    gallery.follow()
    assert add(database, *(made(face_id, i) for i, face_id in enumerate(ids))) == 3
    gallery.follow()
    assert gallery.counts() == {OLD: 3, NEW: 3}
    thresholds = Thresholds(active_model=NEW, min_similarity=0.9)
    for i in range(3):
        [match] = gallery.rank({NEW: embedding(100 + i)}, thresholds)
        assert (match.person, thresholds.accepts(match)) == (student(f"S{i}"), True)


def test_a_later_embedding_takes_the_place_of_the_former_and_of_a_note(database: SqlDatabase) -> None:
    ids = enrol(database, 2)
    add(database, made(ids[0], 0), made(ids[1], 1, "NO_FACE_DETECTED"))
    assert stored(database) == [(ids[0], None), (ids[1], "NO_FACE_DETECTED")]
    assert add(database, made(ids[0], 0), made(ids[1], 1)) == 2
    assert stored(database) == [(ids[0], None), (ids[1], None)]


def test_a_note_takes_no_embeddings_place(database: SqlDatabase) -> None:
    ids = enrol(database, 1)
    add(database, made(ids[0], 0))
    assert add(database, made(ids[0], 0, "NO_FACE_DETECTED")) == 0
    assert stored(database) == [(ids[0], None)]


def test_what_was_made_of_a_face_that_is_gone_or_of_another_image_is_left_out(database: SqlDatabase) -> None:
    ids = enrol(database, 3)
    with database.transaction() as records:
        records.faces.remove(ids[0])
    with database.connection() as connection:
        table = tables.face_data
        connection.execute(table.update().where(table.c.Id == ids[1]).values(ImageData=b"another"))
    with database.transaction() as records:
        before = records.changes.latest()
    assert add(database, *(made(face_id, i) for i, face_id in enumerate(ids))) == 1
    add(database, made(ids[0], 0, "INVALID_IMAGE"), made(ids[1], 1, "INVALID_IMAGE"))
    assert stored(database) == [(ids[2], None)]
    with database.transaction() as records:
        assert records.changes.after(before).changed == frozenset({ids[2]})


def test_an_embedding_made_of_an_old_row_is_missed_when_another_program_deletes_it(
    database: SqlDatabase,
) -> None:
    face_id = old_face(database, ImageData=b"A")
    add(database, made(face_id, 0))
    with database.connection() as connection:
        connection.execute(tables.face_data.delete())
    with database.transaction() as records:
        _, differing = records.known_faces.compare(0, size=10, descriptors=False)
    assert differing == [face_id]


def test_nothing_to_store_changes_nothing(database: SqlDatabase) -> None:
    enrol(database, 1)
    with database.transaction() as records:
        before = records.changes.latest()
        assert records.faces.add_further(NEW, []) == 0
        assert records.changes.latest() == before


def test_faces_that_lack_a_model_can_be_asked_for_from_an_id_on(database: SqlDatabase) -> None:
    ids = enrol(database, 4)
    with database.transaction() as records:
        pages = [records.faces.images_lacking(NEW, 2, after) for after in (0, ids[1], ids[3])]
    assert [[one.face_id for one in page] for page in pages] == [ids[:2], ids[2:], []]
    assert [one.image for one in pages[1]] == [b"C", b"D"]


def test_the_list_of_faces_left_says_why_each_is(database: SqlDatabase) -> None:
    covered, unreadable, waiting = enrol(database, 3)
    [pictureless] = enrol(database, 1, image=b"")
    add(database, made(covered, 0), made(unreadable, 1, "NO_FACE_DETECTED"))
    with database.transaction() as records:
        faces, total = records.faces.left(NEW, limit=None, offset=0)
        assert total == 3
        assert faces == [
            LeftFace(face_id=unreadable, person=student("S1"), reason="NO_FACE_DETECTED"),
            LeftFace(face_id=waiting, person=student("S2"), reason=WAITING),
            LeftFace(face_id=pictureless, person=student("S0"), reason=NO_IMAGE),
        ]
        assert records.faces.left(OLD, limit=None, offset=0) == ([], 0)


def test_the_list_of_faces_left_comes_in_pages(database: SqlDatabase) -> None:
    ids = enrol(database, 5)
    with database.transaction() as records:
        pages = [records.faces.left(NEW, limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [[face.face_id for face in faces] for faces, _ in pages] == [ids[:2], ids[2:4], ids[4:], []]
    assert {total for _, total in pages} == {5}


def test_rows_that_are_nobodys_face_are_not_left(database: SqlDatabase) -> None:
    old_face(database, code=" ")
    old_face(database, PersonType="parent")
    with database.transaction() as records:
        assert records.faces.left(NEW, limit=None, offset=0) == ([], 0)


def test_an_old_row_is_left_by_a_pack_and_not_by_the_fallback_engine(database: SqlDatabase) -> None:
    old = old_face(database)
    strange = old_face(database, descriptor="[0.5]")
    [ours] = enrol(database, 1)
    with database.transaction() as records:
        by_pack, _ = records.faces.left(OLD, limit=None, offset=0)
        by_fallback, _ = records.faces.left(FALLBACK_MODEL, limit=None, offset=0)
    assert [face.face_id for face in by_pack] == [old, strange]
    assert [face.face_id for face in by_fallback] == [strange, ours]


def test_pruning_takes_other_models_from_faces_that_have_the_first(database: SqlDatabase) -> None:
    covered, uncovered, unreadable = enrol(database, 3)
    add(database, made(covered, 0), made(unreadable, 2, "NO_FACE_DETECTED"))
    add(database, made(covered, 0), model="kept")
    add(database, made(covered, 0), made(uncovered, 1), model="older")
    gallery = FaceGallery(database, limit=60)
    gallery.follow()
    with database.transaction() as records:
        assert records.faces.prune((NEW, "kept"), 10) == 1
        assert records.faces.prune((NEW, "kept"), 10) == 0
    gallery.follow()
    assert gallery.counts() == {NEW: 1, "kept": 1, OLD: 2, "older": 1}
    with database.transaction() as records:
        models = {(one.face_id, one.model) for one in entries(records.faces.embeddings())}
    assert models == {
        (covered, NEW),
        (covered, "kept"),
        (uncovered, OLD),
        (uncovered, "older"),
        (unreadable, OLD),
    }


def test_pruning_goes_some_faces_at_a_time(database: SqlDatabase) -> None:
    ids = enrol(database, 5)
    add(database, *(made(face_id, i) for i, face_id in enumerate(ids)))
    with database.transaction() as records:
        assert [records.faces.prune((NEW,), 2) for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.parametrize("whole_person", [False, True])
def test_a_deleted_face_takes_its_old_descriptor_along(database: SqlDatabase, whole_person: bool) -> None:
    gone, kept = enrol(database, 2)
    for face_id in (gone, kept):
        row = {"FaceId": face_id, "Descriptor": "[]", "Model": OLD, "MadeEmbedding": 1, "NewCheck": 0}
        put(database, tables.old_descriptors, row)
    with database.transaction() as records:
        if whole_person:
            assert records.faces.remove_person(student("S0")) == 1
        else:
            assert records.faces.remove(gone)
    assert read(database, "SELECT FaceId FROM RollcallOldDescriptors") == [(kept,)]
