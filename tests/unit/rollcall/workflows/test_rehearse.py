"""Before a switch the gallery is asked with its own faces."""

from collections.abc import Sequence

import numpy as np
import pytest

from db.engine import SqlDatabase
from rollcall.core.faces import Embedding
from rollcall.core.models import LOST_LISTED, NO_IMAGE, WAITING, LeftFace, Rehearsal
from rollcall.core.records import FurtherEmbedding
from rollcall.gallery.gallery import FaceGallery
from rollcall.workflows.rehearse import objection, rehearse, unread_among
from tests.db.rows import new_face, student

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def at(degrees: float) -> Embedding:
    """A unit vector in the plane."""
    radians = np.radians(degrees)
    return np.array([np.cos(radians), np.sin(radians)], dtype=np.float32)


def gallery(database: SqlDatabase, *faces: tuple[str, float | None, float | None]) -> FaceGallery:
    """Faces of these persons, by where their embeddings by the old and by the new model point to.

    None where a model has made none.
    """
    with database.transaction() as records:
        for code, old, new in faces:
            model, embedding = ("neither", at(0)) if old is None else ("old", at(old))
            face = new_face(student(code), model=model, embedding=embedding, image=b"picture")
            face_id = records.faces.add(face)
            if new is not None:
                further = FurtherEmbedding(face_id=face_id, image_crc32=None, vector=at(new))
                records.faces.add_further("new", [further])
    found = FaceGallery(database, limit=60)
    found.follow()
    return found


def asked(gallery: FaceGallery, source: str | None = "old", unread: Sequence[int] = ()) -> Rehearsal:
    return rehearse(gallery, source, "new", lambda: None, unread)


def test_both_models_are_compared_on_the_faces_that_both_know(database: SqlDatabase) -> None:
    found = asked(
        gallery(
            database,
            ("B", 50, None),
            ("E", 300, None),
            ("D", None, 270),
            ("A", 0, 0),
            ("A", 10, 20),
            ("B", 90, 90),
            ("B", 110, 110),
            ("C", 180, 100),
        )
    )
    # By the new one C stands between the faces of B, and takes both.
    assert found == Rehearsal(faces=6, lost=[], lost_count=0, probes=4, old_right=4, new_right=2, agreed=2)
    assert found.rank1_agreement == 0.5


def test_without_faces_there_is_nothing_to_compare(database: SqlDatabase) -> None:
    found = asked(gallery(database, ("A", 0, None)))
    assert found == Rehearsal(faces=0, lost=(), lost_count=0, probes=0, old_right=0, new_right=0, agreed=0)
    assert found.rank1_agreement is None
    assert objection(found) is None


@pytest.mark.parametrize("source", [None, "nobody's"])
def test_without_an_old_model_the_new_one_is_only_asked_for_each_face_itself(
    database: SqlDatabase, source: str | None
) -> None:
    found = asked(gallery(database, ("A", 0, 0), ("A", 10, 10), ("B", 20, 0)), source)
    assert found == Rehearsal(faces=3, lost=[], lost_count=0, probes=0, old_right=0, new_right=0, agreed=0)


def test_faces_that_only_the_new_model_cannot_tell_apart_are_lost(database: SqlDatabase) -> None:
    people = gallery(database, ("A", 0, 45), ("B", 60, 45), ("C", 90, 90), ("D", None, 45))
    found = asked(people)
    # D is alike too, but nobody can tell whether the old model knew better.
    assert found.lost == [1, 2]
    assert objection(found) == "2 faces do not find themselves by the new model."


def test_of_many_lost_faces_the_first_are_listed_and_all_counted(database: SqlDatabase) -> None:
    found = asked(gallery(database, *((f"P{n}", n, 45.0) for n in range(LOST_LISTED + 5))))
    assert (found.lost, found.lost_count) == (list(range(1, LOST_LISTED + 1)), LOST_LISTED + 5)
    assert objection(found) == f"{LOST_LISTED + 5} faces do not find themselves by the new model."


def test_identical_pictures_of_two_persons_speak_against_no_model(database: SqlDatabase) -> None:
    found = asked(gallery(database, ("A", 0, 45), ("B", 0, 45), ("C", 90, 90)))
    assert found.lost == []
    assert objection(found) is None


def test_a_face_that_is_not_even_like_itself_is_lost(database: SqlDatabase) -> None:
    huge = np.array([-3e38, 3e38], dtype=np.float32)
    people = gallery(database, ("A", 0, 0), ("B", 90, 90))
    with database.transaction() as records:
        further = FurtherEmbedding(face_id=2, image_crc32=None, vector=huge)
        assert records.faces.add_further("new", [further]) == 1
    people.follow()
    assert asked(people).lost == [2]
    assert asked(people, None).lost == [2]


def test_faces_that_only_the_old_model_sees_are_missed(database: SqlDatabase) -> None:
    found = asked(gallery(database, ("A", 0, 0), ("B", 90, None), ("C", None, None)), unread=[2, 3])
    assert (found.faces, found.unread, found.missed) == (1, 2, 1)
    assert objection(found) is None


@pytest.mark.parametrize("source", [None, "old"])
def test_a_model_that_sees_nobody_is_objected_to(database: SqlDatabase, source: str | None) -> None:
    found = asked(gallery(database, ("A", 0, None)), source, unread=[1])
    assert (found.faces, found.unread, found.missed) == (0, 1, 0 if source is None else 1)
    assert objection(found) == "The new model finds no face in any picture."


@pytest.mark.parametrize(
    ("faces", "missed", "fine"), [(10, 2, True), (10, 3, False), (500, 10, True), (500, 11, False)]
)
def test_a_model_may_miss_a_few_faces(database_url: str, faces: int, missed: int, fine: bool) -> None:
    del database_url
    found = Rehearsal(
        faces=faces,
        lost=(),
        lost_count=0,
        unread=missed,
        missed=missed,
        probes=0,
        old_right=0,
        new_right=0,
        agreed=0,
    )
    expected = f"The new model finds no face in {missed} pictures of people whom the old one knows."
    assert objection(found) == (None if fine else expected)


def test_images_that_no_model_could_read_speak_against_none(database_url: str) -> None:
    del database_url
    reasons = [NO_IMAGE, WAITING, "INVALID_IMAGE", "NO_FACE_DETECTED", "INTERNAL_ERROR"]
    left = [LeftFace(face_id=n, person=student("A"), reason=reason) for n, reason in enumerate(reasons)]
    assert unread_among(left) == [3, 4]


@pytest.mark.parametrize(
    ("probes", "old", "new", "fine"),
    [
        (10, 10, 8, True),
        (10, 10, 7, False),
        (1000, 990, 970, True),
        (1000, 990, 969, False),
        (1000, 900, 990, True),
    ],
)
def test_a_model_may_find_a_few_faces_fewer(
    database_url: str, probes: int, old: int, new: int, fine: bool
) -> None:
    del database_url
    found = Rehearsal(
        faces=probes, lost=(), lost_count=0, probes=probes, old_right=old, new_right=new, agreed=new
    )
    expected = (
        None if fine else f"The new model finds {new} of {probes} faces among the others, the old one {old}."
    )
    assert objection(found) == expected
