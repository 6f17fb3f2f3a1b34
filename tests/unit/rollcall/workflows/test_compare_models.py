"""Two models compared by what a database holds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import pytest

from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.core.calibration import Calibration, CalibrationSource
from rollcall.core.comparisons import Comparison, Outcome
from rollcall.core.database_ports import Database, Records
from rollcall.core.errors import InvalidRequest
from rollcall.core.faces import Embedding
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.rank_one import Rank1
from rollcall.core.records import NewFace, StoredCalibration
from rollcall.workflows.compare_models import CompareModels, GalleryComparison
from tests.db.rows import add_embedding

T = TypeVar("T")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqlDatabase]:
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
    migrate(database)
    yield database
    database.close()


def at(degrees: float, length: int = 2) -> Embedding:
    """A unit vector; the similarity of two is the cosine of the angle between them."""
    vector = np.zeros(length, dtype=np.float32)
    vector[:2] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return vector


def enrol(database: SqlDatabase, *faces: tuple[str, Mapping[str, Embedding]]) -> None:
    """A face for each: the code of its person, and its embeddings by model."""
    with database.transaction() as records:
        for code, vectors in faces:
            (model, vector), *others = vectors.items()
            face_id = records.faces.add(
                NewFace(
                    person=PersonKey(type=PersonType.STUDENT, code=code),
                    model=model,
                    embedding=vector,
                    image=b"",
                    content_type="image/jpeg",
                )
            )
            for model, vector in others:
                add_embedding(records, face_id, model, vector)


def by_both(old: float, new: float) -> dict[str, Embedding]:
    """The models' embeddings have 2 and 3 numbers."""
    return {"old": at(old), "new": at(new, length=3)}


def in_gallery(database: SqlDatabase, old: str = "old", new: str = "new") -> GalleryComparison:
    found = CompareModels(database=database).run(old, new).gallery
    assert found is not None
    return found


def cosines(degrees: Sequence[float]) -> object:
    return pytest.approx(sorted(np.cos(np.radians(degrees))), abs=1e-6)


def test_faces_with_embeddings_by_both_models_are_compared(database: SqlDatabase) -> None:
    enrol(
        database,
        ("A", by_both(0, 0)),
        ("A", by_both(10, 40)),
        ("B", by_both(100, 50)),
        ("a", {"old": at(5)}),
        ("C", {"new": at(45, length=3)}),
        ("D", {"third": at(45, length=5)}),
    )
    found = in_gallery(database)
    assert (found.faces, found.faces_by_both, found.people, found.all_pairs) == (3, 3, 2, True)
    assert found.rank1 == Rank1(probes=2, old_right=2, new_right=1, agreed=1)
    assert (found.old.model, found.old.same.tolist()) == ("old", cosines([10]))
    assert found.old.different.tolist() == cosines([100, 90])
    assert (found.new.model, found.new.same.tolist()) == ("new", cosines([40]))
    assert found.new.different.tolist() == cosines([50, 10])


def test_pairs_are_judged_by_each_models_own_operating_point(database: SqlDatabase) -> None:
    calibration = Calibration(midpoint=0.8, slope=9, operating_point=0.8, source=CalibrationSource.STORED)
    with database.transaction() as records:
        records.calibrations.put(
            StoredCalibration(model="new", calibration=calibration, same_pairs=1, different_pairs=1)
        )
    enrol(database, ("A", by_both(0, 0)), ("A", by_both(80, 40)), ("B", by_both(20, 20)))
    found = in_gallery(database)
    assert (found.old.calibration.operating_point, found.old.false_reject, found.old.false_accept) == (
        0.4,
        1,
        1,
    )
    assert (found.new.calibration.operating_point, found.new.false_reject, found.new.false_accept) == (
        0.8,
        1,
        1,
    )


def test_a_pack_that_was_replaced_by_another_of_its_name_counts_by_the_length_of_most(
    database: SqlDatabase,
) -> None:
    enrol(
        database,
        ("A", by_both(0, 0)),
        ("A", by_both(10, 10)),
        ("B", {"old": at(90), "new": at(90, length=7)}),
    )
    assert in_gallery(database).faces == 2


def test_of_too_many_faces_whole_persons_are_drawn(
    database: SqlDatabase,
) -> None:
    enrol(database, *((f"P{n // 3}", by_both(n * 7, n * 11)) for n in range(60)))
    found = CompareModels(database=database, max_faces=20).run("old", "new").gallery
    assert found is not None
    assert (found.faces, found.faces_by_both, found.people) == (18, 60, 6)
    assert found.rank1.probes == 18


class Changing:
    """A database in which somebody changes something after the first transaction."""

    def __init__(self, database: SqlDatabase, change: Callable[[Records], object]) -> None:
        self._database = database
        self._changes = [change]

    def run_sync(self, work: Callable[[Records], T], limit: float | None = None) -> T:
        result = self._database.run_sync(work, limit)
        while self._changes:
            self._database.run_sync(self._changes.pop())
        return result


def test_a_face_that_is_deleted_meanwhile_is_left_out(database: SqlDatabase) -> None:
    enrol(database, *((code, by_both(n, n)) for n, code in enumerate("ABCD")))
    changing = cast(Database, Changing(database, lambda records: records.faces.remove(2)))
    found = CompareModels(database=changing).run("old", "new").gallery
    assert found is not None
    assert (found.faces, found.people, len(found.old.different)) == (3, 3, 3)


def test_an_embedding_that_is_replaced_meanwhile_leaves_its_face_out(database: SqlDatabase) -> None:
    enrol(database, *((code, by_both(n, n)) for n, code in enumerate("ABCD")))
    replaced = at(0, length=9)
    changing = cast(Database, Changing(database, lambda records: add_embedding(records, 2, "new", replaced)))
    found = CompareModels(database=changing).run("old", "new").gallery
    assert found is not None
    assert found.faces == 3


def outcome(model: str, *, accepted: bool) -> Outcome:
    return Outcome(model=model, person=None, similarity=0.5, accepted=accepted, milliseconds=1)


def compared(database: SqlDatabase, answered: str, shadow: str) -> None:
    with database.transaction() as records:
        records.comparisons.add(
            Comparison(answer=outcome(answered, accepted=True), shadow=outcome(shadow, accepted=False))
        )


def test_recognitions_count_whichever_of_the_two_answered(database: SqlDatabase) -> None:
    compared(database, "old", "new")
    compared(database, "old", "new")
    compared(database, "new", "old")
    compared(database, "third", "old")
    found = CompareModels(database=database).run("old", "new")
    assert found.gallery is None
    assert found.recognitions is not None
    assert (found.recognitions.only_old, found.recognitions.only_new, found.recognitions.count) == (2, 1, 3)


def test_models_that_share_neither_faces_nor_recognitions_give_nothing(database: SqlDatabase) -> None:
    enrol(database, ("A", {"old": at(0)}), ("B", {"new": at(0)}))
    compared(database, "old", "third")
    found = CompareModels(database=database).run("old", "new")
    assert (found.gallery, found.recognitions) == (None, None)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("old", "old", "two models"),
        ("odl", "old", "Nothing is stored of the model odl"),
        ("old", "third", "Nothing is stored of the model third"),
        ("old", "OLD", "Nothing is stored of the model OLD"),
    ],
)
def test_names_that_cannot_be_compared_are_refused(
    database: SqlDatabase, old: str, new: str, said: str
) -> None:
    enrol(database, ("A", {"old": at(0)}))
    with pytest.raises(InvalidRequest, match=said):
        CompareModels(database=database).run(old, new)


def test_a_model_that_only_recognised_is_known(database: SqlDatabase) -> None:
    compared(database, "old", "new")
    enrol(database, ("A", {"third": at(0)}))
    found = CompareModels(database=database).run("new", "third")
    assert (found.gallery, found.recognitions) == (None, None)


def test_the_fallback_engine_is_compared_by_distance(database: SqlDatabase) -> None:
    zero, far = np.zeros(128, np.float32), np.full(128, 0.9 / np.sqrt(128), np.float32)
    enrol(
        database,
        ("A", {"face_recognition": zero, "new": at(0)}),
        ("B", {"face_recognition": far, "new": at(60)}),
    )
    found = in_gallery(database, "face_recognition", "new")
    assert found.old.different.tolist() == pytest.approx([0.4])
    assert found.new.different.tolist() == pytest.approx([0.5])
    assert found.rank1.probes == 0
