import numpy as np
import pytest

from rollcall.core.calibration import Calibration, Calibrations, CalibrationSource
from rollcall.core.faces import FALLBACK_MODEL, Embedding
from rollcall.core.matching import Thresholds
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import StoredEmbedding
from rollcall.gallery.index import Index

PACK = "pack"
THRESHOLDS = Thresholds(active_model=PACK, min_similarity=0.4)


def unit(*numbers: float) -> Embedding:
    vector = np.array(numbers, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def person(code: str, kind: PersonType = PersonType.STUDENT) -> PersonKey:
    return PersonKey(type=kind, code=code)


def stored(face_id: int, code: str, vector: Embedding, model: str = PACK) -> StoredEmbedding:
    return StoredEmbedding(face_id=face_id, person=person(code), model=model, vector=vector)


def test_a_match_is_the_exact_cosine() -> None:
    rng = np.random.default_rng(1)
    vectors = [unit(*rng.normal(size=64)) for _ in range(200)]
    index = Index(stored(i, f"S{i}", vector) for i, vector in enumerate(vectors))
    probe = unit(*rng.normal(size=64))
    ranked = index.rank({PACK: probe}, THRESHOLDS, lambda _: True)
    expected = sorted((float(vector @ probe) for vector in vectors), reverse=True)
    assert [match.similarity for match in ranked] == pytest.approx(expected, abs=1e-6)


def test_a_person_is_as_like_as_their_likest_face() -> None:
    index = Index([stored(1, "A", unit(1, 0)), stored(2, "A", unit(0, 1)), stored(3, "B", unit(1, 1))])
    ranked = index.rank({PACK: unit(0, 1)}, THRESHOLDS, lambda _: True)
    assert [(match.person.code, round(match.similarity, 4)) for match in ranked] == [
        ("A", 1.0),
        ("B", 0.7071),
    ]


def test_an_empty_gallery_matches_nobody() -> None:
    assert Index(()).rank({PACK: unit(1, 0)}, THRESHOLDS, lambda _: True) == []
    assert Index(()).models_besides(PACK, None) == frozenset()


def test_faces_of_different_models_never_mix() -> None:
    index = Index([stored(1, "A", unit(1, 0), "other")])
    assert index.rank({PACK: unit(1, 0)}, THRESHOLDS, lambda _: True) == []
    assert index.models_besides(PACK, None) == {"other"}


def test_a_face_that_has_the_active_models_embedding_is_compared_by_it_alone() -> None:
    index = Index([stored(1, "A", unit(1, 0)), stored(1, "A", unit(0, 1), "other")])
    [match] = index.rank({PACK: unit(0, 1), "other": unit(0, 1)}, THRESHOLDS, lambda _: True)
    assert (match.model, match.similarity) == (PACK, 0.0)
    assert index.models_besides(PACK, None) == frozenset()


def test_a_face_that_lacks_it_is_compared_by_the_model_that_it_has() -> None:
    index = Index([stored(1, "A", unit(1, 0)), stored(2, "B", np.zeros(2, np.float32), FALLBACK_MODEL)])
    probes = {PACK: unit(0, 1), FALLBACK_MODEL: np.array([0.3, 0], dtype=np.float32)}
    best = index.rank(probes, THRESHOLDS, lambda _: True)[0]
    assert best.person == person("B")
    assert best.similarity == pytest.approx(1 - 0.3 * 2 / 3)


def test_a_low_threshold_for_a_pack_does_not_accept_strangers_by_distance() -> None:
    index = Index([stored(1, "B", np.zeros(2, np.float32), FALLBACK_MODEL)])
    [match] = index.rank({FALLBACK_MODEL: np.array([0.8, 0], dtype=np.float32)}, THRESHOLDS, lambda _: True)
    assert 0.4 < match.similarity < 0.6
    assert not THRESHOLDS.accepts(match)


def test_embeddings_of_another_length_are_left_out() -> None:
    index = Index([stored(1, "A", unit(1, 0)), stored(2, "B", unit(1, 0, 0))])
    assert [m.person.code for m in index.rank({PACK: unit(1, 0, 0)}, THRESHOLDS, lambda _: True)] == ["B"]


def test_models_of_one_type_of_person_only() -> None:
    entry = StoredEmbedding(
        face_id=1, person=person("T", PersonType.TEACHER), model="other", vector=unit(1, 0)
    )
    index = Index([entry])
    assert index.models_besides(PACK, PersonType.STUDENT) == frozenset()
    assert index.models_besides(PACK, PersonType.TEACHER) == {"other"}


def test_a_stored_calibration_gives_the_confidence_and_the_floor_of_its_model() -> None:
    stored_one = Calibration(midpoint=0.5, slope=10, operating_point=0.45, source=CalibrationSource.STORED)
    thresholds = Thresholds(
        active_model=PACK, min_similarity=0.4, calibrations=Calibrations(stored={FALLBACK_MODEL: stored_one})
    )
    index = Index([stored(1, "B", np.zeros(2, np.float32), FALLBACK_MODEL)])
    probe = np.array([0.75, 0], dtype=np.float32)
    [match] = index.rank({FALLBACK_MODEL: probe}, thresholds, lambda _: True)
    assert match.confidence == pytest.approx(0.5)
    assert thresholds.accepts(match)
    assert thresholds.for_model(FALLBACK_MODEL) == 0.45
    assert not THRESHOLDS.accepts(match)
