"""Who is found first? Faces of a gallery are looked for among the others, by one model and by another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rollcall.core.faces import Embeddings, Metric
from rollcall.core.people import PersonKey
from rollcall.core.similarity_blocks import SimilarityBlocks, blocks

# Identical pictures of two persons are equally near but for roundings, and nobody's fault.
TOLERANCE = 1e-5
_NOBODY = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank1:
    """Of `probes` faces, how many found their own person first by either model, and the same one by both."""

    probes: int
    old_right: int
    new_right: int
    agreed: int


def _no_pause() -> None:
    pass


def compare_rank1(
    people: Sequence[PersonKey],
    old: Embeddings,
    new: Embeddings,
    old_metric: Metric,
    new_metric: Metric,
    pause: Callable[[], None] = _no_pause,
) -> Rank1:
    """Look for each face of a person who has at least two among all other faces.

    Row i of `old` (n, dim) and of `new` (n, another dim) is a face of `people[i]`. Memory stays flat: at most
    some hundred faces are compared at a time, and `pause` is called in between.
    """
    numbers = numbered(people)
    probes = np.flatnonzero(np.bincount(numbers)[numbers] > 1)
    by_old, by_new = SimilarityBlocks(old, old_metric), SimilarityBlocks(new, new_metric)
    old_right = new_right = agreed = 0
    for rows in blocks(probes, len(numbers), pause):
        found_by_old, found_by_new = _first(rows, numbers, by_old), _first(rows, numbers, by_new)
        old_right += int(np.count_nonzero(found_by_old == numbers[rows]))
        new_right += int(np.count_nonzero(found_by_new == numbers[rows]))
        same = found_by_old == found_by_new
        agreed += int(np.count_nonzero(same & (found_by_old != _NOBODY)))
    return Rank1(probes=len(probes), old_right=old_right, new_right=new_right, agreed=agreed)


def not_finding_themselves(
    people: Sequence[PersonKey],
    vectors: Embeddings,
    metric: Metric,
    pause: Callable[[], None] = _no_pause,
    *,
    among: NDArray[np.int64] | None = None,
    by: float = TOLERANCE,
) -> NDArray[np.int64]:
    """The rows whose nearest face, itself included, is another person's, by more than `by`; ascending.

    A face that cannot even be compared with itself is among them. `vectors`: (n, dim), row i of `people[i]`.
    `among`: the rows that are asked about, ascending; all unless given. A `by` below zero also gives those to
    which another person's face is as near as they are to themselves.
    """
    numbers = numbered(people)
    compared = SimilarityBlocks(vectors, metric)
    lost = [np.empty(0, dtype=np.int64)]
    asked = np.arange(len(numbers)) if among is None else among
    for rows in blocks(asked, len(numbers), pause):
        found = compared.of(rows)
        same = numbers[rows, np.newaxis] == numbers
        own = np.where(same, found, -np.inf).max(axis=1)
        other = np.where(same, -np.inf, found).max(axis=1)
        lost.append(rows[np.isneginf(own) | (other > own + by)])
    return np.concatenate(lost)


def numbered(people: Sequence[PersonKey]) -> NDArray[np.int64]:
    """(n,): a number for each person, from 0 on, the same for all faces of one."""
    seen: dict[PersonKey, int] = {}
    return np.array([seen.setdefault(person, len(seen)) for person in people], dtype=np.int64)


def _first(
    rows: NDArray[np.int64], numbers: NDArray[np.int64], compared: SimilarityBlocks
) -> NDArray[np.int64]:
    """Whose face is nearest to each of these, itself left out: (len(rows),)."""
    found = compared.of(rows)
    places = np.arange(len(rows))
    found[places, rows] = -np.inf
    nearest = found.argmax(axis=1)
    return np.where(np.isneginf(found[places, nearest]), _NOBODY, numbers[nearest])
