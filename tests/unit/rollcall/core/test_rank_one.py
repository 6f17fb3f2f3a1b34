"""Leave-one-out: who is found first, by each of two models."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from rollcall.core.faces import Embeddings, Metric
from rollcall.core.matching import similarities
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.rank_one import TOLERANCE, Rank1, compare_rank1, not_finding_themselves, numbered
from rollcall.core.similarity_blocks import PROBES_A_BLOCK, SIMILARITIES_A_BLOCK, SimilarityBlocks, blocks

COSINE, EUCLIDEAN = Metric.COSINE, Metric.EUCLIDEAN


def people(*codes: str) -> list[PersonKey]:
    return [PersonKey(type=PersonType.STUDENT, code=code) for code in codes]


def at(*angles: float) -> Embeddings:
    """Unit vectors in the plane, by their angles in degrees."""
    radians = np.radians(angles)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def random_faces(count: int, persons: int, noise: float, seed: int) -> tuple[list[PersonKey], Embeddings]:
    """Unit vectors about one for each person; who is who does not depend on the seed."""
    whose = np.random.default_rng(0).integers(persons, size=count)
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(persons, 64))[whose] + noise * random.normal(size=(count, 64))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return people(*(f"P{n}" for n in whose)), vectors.astype(np.float32)


def slowly_first(who: Sequence[PersonKey], vectors: Embeddings, metric: Metric, i: int) -> PersonKey:
    found = similarities(vectors, vectors[i], metric)
    found[i] = -np.inf
    return who[int(found.argmax())]


@pytest.mark.parametrize("metrics", [(COSINE, COSINE), (EUCLIDEAN, COSINE), (EUCLIDEAN, EUCLIDEAN)])
def test_the_counts_are_those_of_comparing_one_face_after_the_other(metrics: tuple[Metric, Metric]) -> None:
    who, old = random_faces(3 * PROBES_A_BLOCK + 7, 300, 1.2, seed=1)
    _, new = random_faces(3 * PROBES_A_BLOCK + 7, 300, 1.6, seed=2)
    probes = [i for i, person in enumerate(who) if who.count(person) > 1]
    by_old, by_new = (
        [slowly_first(who, vectors, metric, i) for i in probes]
        for vectors, metric in zip((old, new), metrics, strict=True)
    )
    expected = Rank1(
        probes=len(probes),
        old_right=sum(who[i] == found for i, found in zip(probes, by_old, strict=True)),
        new_right=sum(who[i] == found for i, found in zip(probes, by_new, strict=True)),
        agreed=sum(a == b for a, b in zip(by_old, by_new, strict=True)),
    )
    assert 0 < expected.agreed < expected.new_right < expected.old_right < len(probes) < len(who)
    assert compare_rank1(who, old, new, *metrics) == expected


def test_models_that_find_the_same_wrong_person_agree() -> None:
    who = people("A", "B", "a ", "C")
    found = compare_rank1(who, at(0, 10, 90, 180), at(0, 5, 50, 180), COSINE, COSINE)
    assert found == Rank1(probes=2, old_right=0, new_right=0, agreed=2)


def test_who_has_one_face_alone_is_not_looked_for() -> None:
    found = compare_rank1(people("A", "B"), at(0, 1), at(0, 1), COSINE, COSINE)
    assert found == Rank1(probes=0, old_right=0, new_right=0, agreed=0)
    nobody = np.empty((0, 2), dtype=np.float32)
    assert compare_rank1([], nobody, nobody, COSINE, EUCLIDEAN).probes == 0
    assert not_finding_themselves([], nobody, COSINE).tolist() == []


def test_a_pause_is_made_between_blocks() -> None:
    pauses = []
    who, vectors = random_faces(2 * PROBES_A_BLOCK + 1, 2, 1, seed=1)
    compare_rank1(who, vectors, vectors, COSINE, COSINE, lambda: pauses.append("of two models"))
    assert len(pauses) == 2
    not_finding_themselves(who, vectors, COSINE, lambda: pauses.append("of one"))
    assert len(pauses) == 4


def test_the_more_faces_there_are_the_fewer_are_looked_for_at_a_time() -> None:
    rows = np.arange(7)
    for faces, sizes in ((SIMILARITIES_A_BLOCK // 3, [3, 3, 1]), (2 * SIMILARITIES_A_BLOCK, [1] * 7)):
        assert [len(block) for block in blocks(rows, faces, lambda: None)] == sizes
    pauses = []
    many = SIMILARITIES_A_BLOCK // 100
    who, vectors = random_faces(many, 50, 1, seed=1)
    asked = np.arange(200)
    not_finding_themselves(who, vectors[:, :2], COSINE, lambda: pauses.append("of one"), among=asked)
    assert len(pauses) == 1


@pytest.mark.parametrize("metric", list(Metric))
def test_a_face_that_is_less_like_itself_than_another_is_lost(metric: Metric) -> None:
    # A vector that is too short is less like itself by cosine, and no further away from itself.
    vectors = np.concatenate([at(0, 40, 90), 0.1 * at(0), at(200)]).astype(np.float32)
    lost = not_finding_themselves(people("A", "B", "C", "D", "E"), vectors, metric)
    assert lost.tolist() == ([3] if metric is COSINE else [])


@pytest.mark.parametrize("metric", list(Metric))
def test_identical_pictures_of_two_persons_are_nobodys_fault(metric: Metric) -> None:
    who, vectors = random_faces(500, 400, 1, seed=3)
    twice = np.concatenate([vectors, vectors])
    others = people(*(f"Q{n}" for n in range(500)))
    assert not_finding_themselves([*who, *others], twice, metric).tolist() == []


def test_another_face_of_the_same_person_may_be_nearer_than_itself() -> None:
    vectors = np.concatenate([0.1 * at(0), at(0, 90)]).astype(np.float32)
    assert not_finding_themselves(people("A", "a", "B"), vectors, COSINE).tolist() == []


def test_absurd_numbers_find_nobody() -> None:
    huge = np.full((3, 2), 3e38, dtype=np.float32)
    who = people("A", "A", "B")
    assert not_finding_themselves(who, huge, COSINE).tolist() == [0, 1, 2]
    assert compare_rank1(who, huge, huge, COSINE, COSINE) == Rank1(
        probes=2, old_right=0, new_right=0, agreed=0
    )


@pytest.mark.parametrize("metric", list(Metric))
def test_a_block_is_what_the_gallery_finds_for_each_face(metric: Metric) -> None:
    _, vectors = random_faces(50, 10, 1, seed=4)
    rows: NDArray[np.int64] = np.arange(len(vectors))[::-1]
    expected = np.stack([similarities(vectors, vectors[i], metric) for i in rows])
    np.testing.assert_allclose(SimilarityBlocks(vectors, metric).of(rows), expected, atol=1e-6)


def test_codes_of_one_person_have_one_number() -> None:
    assert numbered(people("A", "B", "a ", "C", "b")).tolist() == [0, 1, 0, 2, 1]


@pytest.mark.parametrize("metric", list(Metric))
def test_faces_of_two_persons_that_are_alike_are_found_when_asked_for(metric: Metric) -> None:
    vectors = at(0, 0, 90, 90, 180)
    who = people("A", "B", "C", "c ", "D")
    assert not_finding_themselves(who, vectors, metric).tolist() == []
    assert not_finding_themselves(who, vectors, metric, by=-TOLERANCE).tolist() == [0, 1]


def test_only_the_rows_that_are_asked_about_are_given() -> None:
    rows = np.array([1, 3], dtype=np.int64)
    found = not_finding_themselves(people("A", "B", "C", "D"), at(0, 0, 0, 90), COSINE, among=rows, by=-0.1)
    assert found.tolist() == [1]
