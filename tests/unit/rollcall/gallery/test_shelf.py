from collections import deque

import numpy as np
import pytest

from rollcall.core.faces import Embeddings
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import StoredEmbeddings
from rollcall.gallery.rows import BLOCK, Rows
from rollcall.gallery.shelf import Shelf

DIMENSIONS = 4


def rows(face_ids: range) -> Rows:
    """Face n is person Pn's, and its vector holds n."""
    people = [PersonKey(type=PersonType.STUDENT, code=f"P{n}") for n in face_ids]
    vectors: Embeddings = np.repeat(np.array(face_ids, dtype=np.float32)[:, np.newaxis], DIMENSIONS, axis=1)
    ids = np.array(face_ids, dtype=np.int64)
    return Rows.of(StoredEmbeddings(model="pack", face_ids=ids, people=people, vectors=vectors))


def shelf(*face_ids: range) -> Shelf:
    found = Shelf.of("pack", deque(rows(part) for part in face_ids))
    assert found is not None
    return found


def check(found: Shelf | None, expected: set[int]) -> Shelf:
    """All columns agree, and only the last block may have fewer rows than a block has."""
    assert found is not None
    assert {len(block) for block in found.blocks[:-1]} <= {BLOCK}
    assert 1 <= len(found.blocks[-1]) <= BLOCK
    assert sorted(found.face_ids) == sorted(expected)
    np.testing.assert_array_equal(np.concatenate([b.vectors for b in found.blocks])[:, 0], found.face_ids)
    people = np.concatenate([block.people for block in found.blocks])
    assert [person.code for person in people] == [f"P{n}" for n in found.face_ids]
    assert [hash(person) for person in people] == found.hashes.tolist()
    assert len(found.types) == len(people)
    return found


@pytest.mark.parametrize(
    "sizes", [(1,), (BLOCK,), (BLOCK, BLOCK, 5), (BLOCK - 1, 3, BLOCK), (3 * BLOCK + 7,), (0, 5 * BLOCK, 0)]
)
def test_pieces_of_any_size_are_cut_into_blocks(sizes: tuple[int, ...]) -> None:
    ends = np.cumsum(sizes).tolist()
    parts = [range(end - size, end) for size, end in zip(sizes, ends, strict=True)]
    check(shelf(*parts), set(range(ends[-1])))


def test_a_shelf_of_nothing_is_none() -> None:
    assert Shelf.of("pack", deque()) is None
    assert Shelf.of("pack", deque([rows(range(0))])) is None
    assert shelf(range(3)).changed(np.array([0, 1, 2]), ()) is None


def test_a_change_copies_only_the_blocks_that_it_touches() -> None:
    old = shelf(range(10 * BLOCK + 5))
    new = check(
        old.changed(np.array([3 * BLOCK]), [rows(range(20_000, 20_002))]),
        {*range(10 * BLOCK + 5), 20_000, 20_001} - {3 * BLOCK},
    )
    kept = [block for block in new.blocks if any(block is other for other in old.blocks)]
    assert len(kept) == 9


def test_what_changes_nothing_copies_nothing() -> None:
    old = shelf(range(5))
    assert old.changed(np.array([77]), ()) is old


def test_no_vector_of_a_removed_face_stays_in_memory() -> None:
    new = shelf(range(2 * BLOCK)).changed(np.array([5, BLOCK]), ())
    assert new is not None
    for block in new.blocks:
        base = block.vectors.base
        assert base is None or len(base) == len(block)


def test_many_random_changes_come_to_the_same_as_reading_anew() -> None:
    rng = np.random.default_rng(5)
    there = set(range(2500))
    found = shelf(range(2500))
    for turn in range(60):
        gone = rng.choice(sorted(there), size=int(rng.integers(0, 200)), replace=False)
        new = range(10_000 * (turn + 1), 10_000 * (turn + 1) + int(rng.integers(0, 250)))
        there = there - set(gone.tolist()) | set(new)
        found = check(found.changed(gone, [rows(new)] if new else []), there)


def test_hidden_faces_are_not_found_and_not_compared() -> None:
    whole = shelf(range(1, 2 * BLOCK + 1))
    probe = np.ones(DIMENSIONS, dtype=np.float32)
    part = whole.without(np.arange(BLOCK, 2 * BLOCK + 1))
    assert part is not None
    [(nearest, similarity)] = part.nearest(probe, only=None, limit=1)
    assert (nearest.code, similarity) == (f"P{BLOCK - 1}", DIMENSIONS * (BLOCK - 1))
    assert part.of_person(PersonKey(type=PersonType.STUDENT, code=f"P{BLOCK}")) is None
    assert part.of_person(PersonKey(type=PersonType.STUDENT, code="P1")) is not None
    assert part.has(PersonType.STUDENT)
    assert not part.has(PersonType.TEACHER)
    assert part.without(np.arange(1, 2 * BLOCK + 1)) is None


@pytest.mark.parametrize("limit", [1, 2, 100, 1000, 5000])
def test_the_nearest_are_those_that_sorting_all_would_give(limit: int) -> None:
    rng = np.random.default_rng(limit)
    owners = rng.integers(0, 900, size=3000)
    vectors = rng.standard_normal((3000, DIMENSIONS)).astype(np.float32)
    people = [PersonKey(type=PersonType.STUDENT, code=f"P{owner}") for owner in owners]
    block = StoredEmbeddings(model="pack", face_ids=np.arange(3000), people=people, vectors=vectors)
    found = Shelf.of("pack", deque([Rows.of(block)]))
    assert found is not None
    probe = vectors[7]
    best: dict[str, float] = {}
    for person, similarity in zip(people, vectors @ probe, strict=True):
        best[person.code] = max(best.get(person.code, -np.inf), float(similarity))
    nearest = found.nearest(probe, only=None, limit=limit)
    assert [person.code for person, _ in nearest] == sorted(best, key=best.__getitem__, reverse=True)[:limit]
    expected = sorted(best.values(), reverse=True)[:limit]
    np.testing.assert_allclose([similarity for _, similarity in nearest], expected, rtol=1e-4, atol=1e-5)


def test_somebody_else_who_is_likest_is_found_for_many_at_once() -> None:
    generator = np.random.default_rng(7)
    count = 2 * BLOCK + 100
    vectors = generator.normal(size=(count, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    # Two faces each: the likest face of all is often one's own.
    people = [PersonKey(type=PersonType.STUDENT, code=f"P{n // 2}") for n in range(count)]
    stored = StoredEmbeddings(
        model="pack", face_ids=np.arange(count, dtype=np.int64), people=people, vectors=vectors
    )
    found = Shelf.of("pack", deque([Rows.of(stored)]))
    assert found is not None
    asked = [0, 5, BLOCK, count - 1]
    probes = vectors[asked] + 0.01
    answers = found.likest_others(probes, [people[n] for n in asked])
    for n, probe, answer in zip(asked, probes, answers, strict=True):
        products = vectors @ probe
        products[[m for m in range(count) if people[m] == people[n]]] = -np.inf
        best = int(products.argmax())
        assert answer is not None
        assert answer[0] == people[best]
        assert answer[1] == pytest.approx(float(products[best]), abs=1e-5)


def test_nobody_else_is_likest_where_there_is_nobody_else() -> None:
    alone = shelf(range(1))
    probe = np.ones((1, DIMENSIONS), dtype=np.float32)
    assert alone.likest_others(probe, [PersonKey(type=PersonType.STUDENT, code="p0")]) == [None]
    other = np.ones((1, DIMENSIONS + 1), dtype=np.float32)
    assert alone.likest_others(other, [PersonKey(type=PersonType.STUDENT, code="P9")]) == [None]
