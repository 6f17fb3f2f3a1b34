"""What the gallery reads, and which faces wait for an embedding."""

import json
import logging
from itertools import count

import numpy as np
import pytest

from db import tables
from db.engine import SqlDatabase
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.records import EMPTY_LOG
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


def test_embeddings_come_back_bit_by_bit(database: SqlDatabase) -> None:
    with database.transaction() as records:
        first = records.faces.add(new_face(student("a"), embedding=embedding(1)))
        second = records.faces.add(
            new_face(teacher("b"), embedding=embedding(2, length=128), model="scrfd_mbf")
        )
        add_embedding(records, first, "antelopev2", embedding(3))
    with database.transaction() as records:
        stored = {(one.face_id, one.model): one for one in entries(records.faces.embeddings())}
    assert stored.keys() == {(first, "buffalo_l"), (first, "antelopev2"), (second, "scrfd_mbf")}
    np.testing.assert_array_equal(stored[first, "antelopev2"].vector, embedding(3))
    np.testing.assert_array_equal(stored[second, "scrfd_mbf"].vector, embedding(2, length=128))
    assert stored[second, "scrfd_mbf"].vector.dtype == np.float32
    assert stored[second, "scrfd_mbf"].person == teacher("B")


def test_models_whose_names_differ_in_case_are_different_models(database: SqlDatabase) -> None:
    with database.transaction() as records:
        face_id = records.faces.add(new_face(model="pack"))
        add_embedding(records, face_id, "Pack", embedding(2))
        assert {one.model for one in entries(records.faces.embeddings())} == {"pack", "Pack"}
        assert records.faces.count_lacking("PACK") == 1


def test_a_row_of_the_old_server_is_an_embedding_of_the_fallback_model(database: SqlDatabase) -> None:
    face_id = old_face(database, code="old1")
    with database.transaction() as records:
        (stored,) = entries(records.faces.embeddings())
    assert (stored.face_id, stored.person, stored.model) == (face_id, student("OLD1"), FALLBACK_MODEL)
    np.testing.assert_array_equal(stored.vector, np.array(OLD_NUMBERS, dtype=np.float32))


def test_an_old_row_with_a_newer_embedding_is_read_from_our_table(database: SqlDatabase) -> None:
    face_id = old_face(database)
    with database.transaction() as records:
        assert add_embedding(records, face_id, "buffalo_l", embedding(1))
        assert [one.model for one in entries(records.faces.embeddings())] == ["buffalo_l"]


def test_an_old_row_stays_matchable_where_no_face_was_found_in_its_image(database: SqlDatabase) -> None:
    face_id = old_face(database)
    with database.transaction() as records:
        note_unreadable(records, face_id, "buffalo_l", "NO_FACE_DETECTED")
        assert [one.model for one in entries(records.faces.embeddings([face_id]))] == [FALLBACK_MODEL]
        assert [one.model for one in entries(records.faces.embeddings())] == [FALLBACK_MODEL]
        add_embedding(records, face_id, "antelopev2", embedding(1))
        assert [one.model for one in entries(records.faces.embeddings())] == ["antelopev2"]


MALFORMED = {
    "no json": "secret-text",
    "an object": json.dumps({"0": 0.5}),
    "too short": json.dumps(OLD_NUMBERS[1:]),
    "too long": json.dumps([*OLD_NUMBERS, 0.5]),
    "not a number": json.dumps([*OLD_NUMBERS[1:], float("nan")]),
    "infinite": json.dumps([*OLD_NUMBERS[1:], float("inf")]),
    "too great for float32": json.dumps([*OLD_NUMBERS[1:], 1e300]),
    "an enormous integer": json.dumps([*OLD_NUMBERS[1:], 10**400]),
    "a null": json.dumps([*OLD_NUMBERS[1:], None]),
    "a truth": json.dumps([*OLD_NUMBERS[1:], True]),
    "empty": "",
    "deeply nested": "[" * 100_000,
}


def test_malformed_rows_are_left_out_with_one_warning(
    database: SqlDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    for descriptor in MALFORMED.values():
        old_face(database, descriptor=descriptor)
    old_face(database, PersonType="parent")
    old_face(database, code="a\tb")
    good = old_face(database)
    old_face(database, descriptor=None)
    broken = {"FaceId": good, "Model": "m", "Vector": b"abc"}
    put(database, tables.embeddings, broken)
    with caplog.at_level(logging.WARNING), database.transaction() as records:
        assert list(records.faces.embeddings()) == []
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{len(MALFORMED) + 3} malformed")
    assert "secret" not in caplog.text


def test_a_vector_that_is_not_finite_is_left_out_and_the_others_stay(
    database: SqlDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    with database.transaction() as records:
        ids = [records.faces.add(new_face(student(f"s{n}"), embedding=embedding(n))) for n in range(3)]
        for face_id, bad in zip(ids, (np.nan, np.inf, 0.5), strict=True):
            assert add_embedding(records, face_id, "m", np.array([bad, 1], dtype=np.float32))
    with caplog.at_level(logging.WARNING), database.transaction() as records:
        found = list(entries(records.faces.embeddings()))
    assert [(one.face_id, one.model) for one in found] == [(id, "buffalo_l") for id in ids] + [(ids[2], "m")]
    assert found[3].person == student("s2")
    assert [record.getMessage()[:2] for record in caplog.records] == ["2 "]


def test_the_descriptor_of_a_face_with_an_embedding_of_ours_is_not_read(
    database: SqlDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    face_id = old_face(database, descriptor="no json")
    with database.transaction() as records:
        assert add_embedding(records, face_id, "buffalo_l", embedding(1))
    with caplog.at_level(logging.WARNING), database.transaction() as records:
        assert len(list(entries(records.faces.embeddings()))) == 1
        assert len(list(entries(records.faces.embeddings([face_id])))) == 1
    assert caplog.records == []


def test_faces_without_an_embedding_of_any_kind_are_left_out_in_silence(
    database: SqlDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    old_face(database, descriptor=None)
    put(database, tables.embeddings, {"FaceId": 77, "Model": "m", "Vector": embedding().tobytes()})
    with caplog.at_level(logging.WARNING), database.transaction() as records:
        assert list(records.faces.embeddings()) == []
        assert list(records.faces.embeddings([77])) == []
    assert caplog.records == []


def test_vectors_of_one_model_and_different_lengths_come_in_blocks_of_their_own(
    database: SqlDatabase,
) -> None:
    with database.transaction() as records:
        for length in (8, 16, 8):
            records.faces.add(new_face(embedding=embedding(1, length=length)))
        blocks = [(block.model, block.vectors.shape) for block in records.faces.embeddings()]
    assert blocks == [("buffalo_l", (2, 8)), ("buffalo_l", (1, 16))]


def test_embeddings_of_many_thousands_of_faces_are_read(database: SqlDatabase) -> None:
    numbers = count(1)
    with database.connection() as connection:
        faces = [{"Id": next(numbers), "PersonType": "student", "PersonCode": f"c{n}"} for n in range(2100)]
        connection.execute(tables.face_data.insert(), faces)
        blob = embedding(0, length=8).tobytes()
        rows = [{"FaceId": face["Id"], "Model": "m", "Vector": blob} for face in faces]
        connection.execute(tables.embeddings.insert(), rows)
    with database.transaction() as records:
        assert [one.face_id for one in entries(records.faces.embeddings())] == list(range(1, 2101))
        some = records.faces.embeddings(iter(range(2000, 40_000)))
        assert [one.face_id for one in entries(some)] == list(range(2000, 2101))
        assert list(records.faces.embeddings([])) == []


def test_writing_while_embeddings_are_read_loses_none(database: SqlDatabase) -> None:
    with database.transaction() as records:
        ids = [records.faces.add(new_face(student(f"s{n}"))) for n in range(3)]
    with database.transaction() as records:
        seen = []
        for stored in entries(records.faces.embeddings()):
            add_embedding(records, stored.face_id, "z", stored.vector)
            seen.append(stored.face_id)
    assert seen == ids


def test_a_face_with_an_image_lacks_the_models_it_has_not_met(database: SqlDatabase) -> None:
    with database.transaction() as records:
        with_image = [records.faces.add(new_face(image=bytes([65 + n]))) for n in range(3)]
        records.faces.add(new_face(image=b""))
    old_face(database, ImageData=None)
    with database.transaction() as records:
        assert records.faces.count_lacking("buffalo_l") == 0
        assert records.faces.count_lacking("antelopev2") == 3
        images = records.faces.images_lacking("antelopev2", 2)
        assert [(one.face_id, one.image) for one in images] == [(with_image[0], b"A"), (with_image[1], b"B")]
        assert add_embedding(records, with_image[0], "antelopev2", embedding(1))
        note_unreadable(records, with_image[1], "antelopev2", "p" * 80)
        images = records.faces.images_lacking("antelopev2", 10)
        assert [one.face_id for one in images] == [with_image[2]]
        assert records.faces.count_lacking("antelopev2") == 1


def test_a_face_far_behind_many_without_image_is_found(database: SqlDatabase) -> None:
    with database.connection() as connection:
        rows = [{"PersonType": "student", "PersonCode": f"c{n}"} for n in range(1100)]
        connection.execute(tables.face_data.insert(), rows)
    last = old_face(database)
    with database.transaction() as records:
        assert [one.face_id for one in records.faces.images_lacking("m", 5)] == [last]
        assert records.faces.count_lacking("m") == 1


def test_an_old_row_has_the_fallback_models_embedding_already(database: SqlDatabase) -> None:
    old_face(database)
    without = old_face(database, descriptor=None)
    strange = old_face(database, descriptor="[0.5]")
    with database.transaction() as records:
        lacking = records.faces.images_lacking(FALLBACK_MODEL, 10)
        assert [one.face_id for one in lacking] == [without, strange]
        assert records.faces.count_lacking("buffalo_l") == 3


def test_an_old_row_that_was_given_a_newer_embedding_lacks_the_fallback_models(database: SqlDatabase) -> None:
    face_id = old_face(database)
    with database.transaction() as records:
        add_embedding(records, face_id, "buffalo_l", embedding(1))
        assert [one.face_id for one in records.faces.images_lacking(FALLBACK_MODEL, 10)] == [face_id]


def test_an_embedding_replaces_the_note_that_there_is_none(database: SqlDatabase) -> None:
    with database.transaction() as records:
        face_id = records.faces.add(new_face())
        note_unreadable(records, face_id, "m", "NO_FACE_DETECTED")
        before = records.changes.latest()
        assert add_embedding(records, face_id, "m", embedding(1))
        assert add_embedding(records, face_id, "m", embedding(2))
        assert records.changes.after(before).changed == frozenset({face_id})
    rows = read(database, "SELECT Problem FROM RollcallEmbeddings WHERE Model = 'm'")
    assert rows == [(None,)]


def test_a_note_does_not_replace_an_embedding(database: SqlDatabase) -> None:
    with database.transaction() as records:
        face_id = records.faces.add(new_face(model="m"))
        note_unreadable(records, face_id, "m", "NO_FACE_DETECTED")
        assert [one.model for one in entries(records.faces.embeddings())] == ["m"]


def test_nothing_is_stored_for_a_face_that_is_gone(database: SqlDatabase) -> None:
    with database.transaction() as records:
        assert not add_embedding(records, 77, "m", embedding())
        note_unreadable(records, 77, "m", "NO_FACE_DETECTED")
        assert records.changes.latest() == EMPTY_LOG
    assert read(database, "SELECT COUNT(*) FROM RollcallEmbeddings") == [(0,)]


def test_an_embedding_that_is_not_finite_is_refused(database: SqlDatabase) -> None:
    with pytest.raises(ValueError, match="JSON"), database.transaction() as records:
        records.faces.add(new_face(embedding=np.array([np.nan], dtype=np.float32)))


def test_an_embedding_of_a_picture_that_was_replaced_meanwhile_is_not_stored(database: SqlDatabase) -> None:
    with database.transaction() as records:
        face_id = records.faces.add(new_face(image=b"new"))
        assert not add_embedding(records, face_id, "m", embedding(1), b"old")
        note_unreadable(records, face_id, "m", "NO_FACE_DETECTED", b"old")
        assert records.faces.count_lacking("m") == 1
        assert add_embedding(records, face_id, "m", embedding(1), b"new")
        assert records.faces.count_lacking("m") == 0
