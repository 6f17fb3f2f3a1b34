import numpy as np
import pytest

from rollcall.core.calibration import Calibration, Calibrations, CalibrationSource
from rollcall.core.faces import FALLBACK_MODEL, Embedding
from rollcall.core.matching import Thresholds
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import StoredEmbeddings
from rollcall.gallery.index import Index

PACK = "pack"
THRESHOLDS = Thresholds(active_model=PACK, min_similarity=0.4)


def unit(*numbers: float) -> Embedding:
    vector = np.array(numbers, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def person(code: str, kind: PersonType = PersonType.STUDENT) -> PersonKey:
    return PersonKey(type=kind, code=code)


def stored(
    face_id: int, code: str, vector: Embedding, model: str = PACK, kind: PersonType = PersonType.STUDENT
) -> StoredEmbeddings:
    """A block of one face."""
    return StoredEmbeddings(
        model=model,
        face_ids=np.array([face_id], dtype=np.int64),
        people=[person(code, kind)],
        vectors=vector[np.newaxis],
    )


def test_a_match_is_the_exact_cosine() -> None:
    rng = np.random.default_rng(1)
    vectors = [unit(*rng.normal(size=64)) for _ in range(200)]
    index = Index(stored(i, f"S{i}", vector) for i, vector in enumerate(vectors))
    probe = unit(*rng.normal(size=64))
    ranked = index.rank({PACK: probe}, THRESHOLDS)
    expected = sorted((float(vector @ probe) for vector in vectors), reverse=True)
    assert [match.similarity for match in ranked] == pytest.approx(expected, abs=1e-6)


def test_a_person_is_as_like_as_their_likest_face() -> None:
    index = Index([stored(1, "A", unit(1, 0)), stored(2, "A", unit(0, 1)), stored(3, "B", unit(1, 1))])
    ranked = index.rank({PACK: unit(0, 1)}, THRESHOLDS)
    assert [(match.person.code, round(match.similarity, 4)) for match in ranked] == [
        ("A", 1.0),
        ("B", 0.7071),
    ]


def test_an_empty_gallery_matches_nobody() -> None:
    assert Index().rank({PACK: unit(1, 0)}, THRESHOLDS) == []
    assert Index().models_besides(PACK, None) == frozenset()


def test_faces_of_different_models_never_mix() -> None:
    index = Index([stored(1, "A", unit(1, 0), "other")])
    assert index.rank({PACK: unit(1, 0)}, THRESHOLDS) == []
    assert index.models_besides(PACK, None) == {"other"}


def test_a_face_that_has_the_active_models_embedding_is_compared_by_it_alone() -> None:
    index = Index([stored(1, "A", unit(1, 0)), stored(1, "A", unit(0, 1), "other")])
    [match] = index.rank({PACK: unit(0, 1), "other": unit(0, 1)}, THRESHOLDS)
    assert (match.model, match.similarity) == (PACK, 0.0)
    assert index.models_besides(PACK, None) == frozenset()


def test_a_face_that_lacks_it_is_compared_by_the_model_that_it_has() -> None:
    index = Index([stored(1, "A", unit(1, 0)), stored(2, "B", np.zeros(2, np.float32), FALLBACK_MODEL)])
    probes = {PACK: unit(0, 1), FALLBACK_MODEL: np.array([0.3, 0], dtype=np.float32)}
    best = index.rank(probes, THRESHOLDS)[0]
    assert best.person == person("B")
    assert best.similarity == pytest.approx(1 - 0.3 * 2 / 3)


def test_a_low_threshold_for_a_pack_does_not_accept_strangers_by_distance() -> None:
    index = Index([stored(1, "B", np.zeros(2, np.float32), FALLBACK_MODEL)])
    [match] = index.rank({FALLBACK_MODEL: np.array([0.8, 0], dtype=np.float32)}, THRESHOLDS)
    assert 0.4 < match.similarity < 0.6
    assert not THRESHOLDS.accepts(match)


def test_embeddings_of_another_length_are_left_out() -> None:
    index = Index([stored(1, "A", unit(1, 0)), stored(2, "B", unit(1, 0, 0))])
    assert [m.person.code for m in index.rank({PACK: unit(1, 0, 0)}, THRESHOLDS)] == ["B"]


def test_models_of_one_type_of_person_only() -> None:
    index = Index([stored(1, "T", unit(1, 0), "other", PersonType.TEACHER)])
    assert index.models_besides(PACK, PersonType.STUDENT) == frozenset()
    assert index.models_besides(PACK, PersonType.TEACHER) == {"other"}


def test_a_stored_calibration_gives_the_confidence_and_the_floor_of_its_model() -> None:
    stored_one = Calibration(midpoint=0.5, slope=10, operating_point=0.45, source=CalibrationSource.STORED)
    thresholds = Thresholds(
        active_model=PACK, min_similarity=0.4, calibrations=Calibrations(stored={FALLBACK_MODEL: stored_one})
    )
    index = Index([stored(1, "B", np.zeros(2, np.float32), FALLBACK_MODEL)])
    probe = np.array([0.75, 0], dtype=np.float32)
    [match] = index.rank({FALLBACK_MODEL: probe}, thresholds)
    assert match.confidence == pytest.approx(0.5)
    assert thresholds.accepts(match)
    assert thresholds.for_model(FALLBACK_MODEL) == 0.45
    assert not THRESHOLDS.accepts(match)


def test_only_persons_of_the_type_that_is_asked_for_are_found() -> None:
    index = Index([stored(1, "A", unit(1, 0)), stored(2, "A", unit(1, 1), kind=PersonType.TEACHER)])
    for kind in PersonType:
        ranked = index.rank({PACK: unit(1, 0)}, THRESHOLDS, only=kind)
        assert [match.person for match in ranked] == [person("A", kind)]


def test_as_many_persons_as_asked_for_are_found_however_many_faces_the_first_has() -> None:
    crowd = [stored(i, "A", unit(1, 0.001 * i)) for i in range(300)]
    others = [stored(1000 + i, f"B{i}", unit(1, 1 + i)) for i in range(5)]
    index = Index([*others, *crowd])
    for limit in range(1, 7):
        ranked = index.rank({PACK: unit(1, 0)}, THRESHOLDS, limit=limit)
        assert [match.person.code for match in ranked] == ["A", "B0", "B1", "B2", "B3", "B4"][:limit]


def test_a_person_is_compared_by_the_likest_of_all_faces_of_any_spelling() -> None:
    index = Index([stored(1, "a1", unit(1, 0)), stored(2, "A1", unit(0, 1)), stored(3, "B", unit(1, 1))])
    for probe in (unit(1, 0), unit(0, 1)):
        match = index.compare({PACK: probe}, person("A1"), THRESHOLDS)
        assert match is not None
        assert match.similarity == 1.0
    assert index.compare({PACK: probe}, person("A1", PersonType.TEACHER), THRESHOLDS) is None
    assert index.compare({"other": probe}, person("A1"), THRESHOLDS) is None


def test_a_person_is_compared_by_another_model_only_for_faces_that_lack_the_active_one() -> None:
    entries = [stored(1, "A", unit(1, 0)), stored(1, "A", unit(0, 1), "other")]
    probes = {PACK: unit(0, 1), "other": unit(0, 1)}
    match = Index(entries).compare(probes, person("A"), THRESHOLDS)
    assert match is not None
    assert (match.model, match.similarity) == (PACK, 0.0)
    match = Index([*entries, stored(2, "A", unit(0, 1), "other")]).compare(probes, person("A"), THRESHOLDS)
    assert match is not None
    assert (match.model, match.similarity) == ("other", 1.0)


def test_a_match_is_spelt_as_the_face_that_matched() -> None:
    index = Index([stored(1, "s1", unit(1, 0))]).changed([1], ())
    index = index.changed([2], [stored(2, "S1", unit(1, 0))])
    [match] = index.rank({PACK: unit(1, 0)}, THRESHOLDS)
    assert match.person.code == "S1"


def test_a_change_replaces_all_embeddings_of_its_faces() -> None:
    index = Index(
        [stored(1, "A", unit(1, 0)), stored(1, "A", unit(1, 0), "other"), stored(2, "B", unit(1, 1))]
    )
    index = index.changed([1], [stored(1, "A", unit(0, 1), "third")])
    assert index.models_besides(PACK, None) == {"third"}
    assert [match.person.code for match in index.rank({PACK: unit(1, 0)}, THRESHOLDS)] == ["B"]


def test_an_index_stays_as_it_was_when_a_newer_one_is_made_of_it() -> None:
    index = Index([stored(1, "A", unit(1, 0)), stored(2, "B", unit(0, 1))])
    before = index.rank({PACK: unit(1, 0)}, THRESHOLDS)
    newer = index.changed([1, 3], [stored(3, "C", unit(1, 0))])
    assert index.rank({PACK: unit(1, 0)}, THRESHOLDS) == before
    assert [match.person.code for match in newer.rank({PACK: unit(1, 0)}, THRESHOLDS)] == ["C", "B"]
    assert newer.changed([2, 3], ()).rank({PACK: unit(1, 0)}, THRESHOLDS) == []


def test_vectors_that_overflow_hide_nobody() -> None:
    huge = np.full(2, 3e38, dtype=np.float32)
    index = Index([stored(1, "A", huge), stored(2, "B", unit(1, 1))])
    assert [m.person.code for m in index.rank({PACK: unit(1, 1)}, THRESHOLDS, limit=1)] == ["B"]
