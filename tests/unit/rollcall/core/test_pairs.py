"""Pairs of faces: all of them where they are few, else a fair sample."""

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from rollcall.core.calibration import Calibrations
from rollcall.core.faces import Embeddings, Metric
from rollcall.core.matching import similarities
from rollcall.core.pairs import DrawnPairs, PairsOfRows, draw_pairs, separate


def drawn(numbers: NDArray[np.int64], **limit: int) -> DrawnPairs:
    """Pairs of either kind, none of which pairs a face with itself."""
    pairs = draw_pairs(numbers, **limit)
    for kind, same in ((pairs.same, True), (pairs.different, False)):
        assert kind.shape[1:] == (2,)
        assert ((numbers[kind[:, 0]] == numbers[kind[:, 1]]) == same).all()
        assert (kind[:, 0] != kind[:, 1]).all()
    return pairs


def as_set(pairs: PairsOfRows) -> set[frozenset[int]]:
    return {frozenset(pair) for pair in pairs.tolist()}


def test_few_faces_make_every_pair_once() -> None:
    numbers = np.array([0, 1, 0, 2, 1, 0])
    pairs = drawn(numbers)
    assert pairs.complete
    assert len(pairs.same) == len(as_set(pairs.same)) == 3 + 1
    assert len(pairs.different) == len(as_set(pairs.different)) == 15 - 4


def test_of_many_faces_every_pair_of_one_person_is_taken_while_those_are_few() -> None:
    numbers = np.random.default_rng(1).permutation(np.repeat(np.arange(300), 2))
    pairs = drawn(numbers, limit=1000)
    assert not pairs.complete
    assert len(as_set(pairs.same)) == len(pairs.same) == 300
    assert len(pairs.different) == 1000


def test_a_sample_takes_each_pair_of_one_person_equally_often() -> None:
    numbers = np.repeat([0, 1, 2], [40, 1, 20])  # 780 pairs, none and 190
    pairs = drawn(numbers, limit=900)
    assert len(pairs.same) == len(pairs.different) == 900
    counts = Counter(numbers[pairs.same[:, 0]].tolist())
    assert counts[0] / 900 == pytest.approx(780 / 970, abs=0.05)
    assert len(as_set(pairs.same)) > 400


def test_a_sample_is_the_same_every_time() -> None:
    numbers = np.repeat(np.arange(100), 3)
    one, other = draw_pairs(numbers, limit=200), draw_pairs(numbers, limit=200)
    np.testing.assert_array_equal(one.same, other.same)
    np.testing.assert_array_equal(one.different, other.different)


def test_there_need_not_be_pairs_of_either_kind() -> None:
    alone = drawn(np.zeros(1, dtype=np.int64))
    assert (len(alone.same), len(alone.different), alone.complete) == (0, 0, True)
    one_person = drawn(np.zeros(100, dtype=np.int64), limit=50)
    assert (len(one_person.same), len(one_person.different)) == (50, 0)
    nobody_twice = drawn(np.arange(100), limit=50)
    assert (len(nobody_twice.same), len(nobody_twice.different)) == (0, 50)


@pytest.mark.parametrize(
    ("model", "metric"), [("pack", Metric.COSINE), ("face_recognition", Metric.EUCLIDEAN)]
)
def test_pairs_are_compared_as_the_gallery_compares(model: str, metric: Metric) -> None:
    vectors = np.random.default_rng(3).normal(size=(200, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    numbers = np.arange(200) // 2
    pairs = draw_pairs(numbers)
    found = separate(model, Calibrations().of(model), vectors, metric, pairs)
    for kind, values in ((pairs.same, found.same), (pairs.different, found.different)):
        expected = [similarities(vectors[[i]], vectors[j], metric)[0] for i, j in kind]
        np.testing.assert_allclose(values, np.sort(expected), atol=1e-6)


def test_pairs_on_the_wrong_side_of_the_operating_point_are_counted() -> None:
    angles = np.radians([0, 60, 70, 85])  # A, A, B, B
    vectors: Embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    calibration = Calibrations().of("pack")
    assert calibration.operating_point == 0.4
    pairs = draw_pairs(np.array([0, 0, 1, 1]))
    found = separate("pack", calibration, vectors, Metric.COSINE, pairs)
    assert found.false_reject == 0
    assert found.false_accept == 2 / 4
    far = separate("pack", calibration, vectors[[0, 3, 1, 2]], Metric.COSINE, pairs)
    assert far.false_reject == 1 / 2


def test_without_pairs_there_are_no_rates() -> None:
    nobody = separate(
        "pack",
        Calibrations().of("pack"),
        np.ones((1, 4), dtype=np.float32),
        Metric.COSINE,
        draw_pairs(np.zeros(1, dtype=np.int64)),
    )
    assert nobody.false_reject is None
    assert nobody.false_accept is None


@pytest.mark.parametrize("metric", list(Metric))
def test_absurd_numbers_are_as_unlike_as_can_be(metric: Metric) -> None:
    vectors = np.array([[3e38, -3e38], [3e38, 3e38]], dtype=np.float32)
    pairs = draw_pairs(np.array([0, 0]))
    found = separate("pack", Calibrations().of("pack"), vectors, metric, pairs)
    assert found.same.tolist() == [-1]
