"""Pairs of a gallery's faces, of one person and of two, and how alike a model finds them."""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rollcall.core.calibration import Calibration
from rollcall.core.faces import Embeddings, Metric

PairsOfRows: TypeAlias = NDArray[np.int64]  # (n, 2), rows of a gallery's embeddings

# So many of either kind show a rate of one in ten thousand; more would only take longer.
MAX_PAIRS: Final = 200_000
_SEED: Final = 20  # the same gallery gives the same figures
_DRAWS: Final = 20  # rounds of drawing pairs of two, where nearly all faces may be one person's
_ROWS_AT_ONCE: Final = 8192


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnPairs:
    """`complete`: these are all pairs that there are, else a random sample."""

    same: PairsOfRows
    different: PairsOfRows
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Separation:
    """How far a model keeps pairs of one person from pairs of two: similarities, ascending."""

    model: str
    calibration: Calibration
    same: NDArray[np.float64]
    different: NDArray[np.float64]

    @property
    def false_reject(self) -> float | None:
        """The part of the pairs of one person, 0..1, that is below the operating point; None without any."""
        return _part(self.same < self.calibration.operating_point)

    @property
    def false_accept(self) -> float | None:
        """The part of the pairs of two, 0..1, that reaches the operating point; None without any."""
        return _part(self.different >= self.calibration.operating_point)


def separate(
    model: str, calibration: Calibration, vectors: Embeddings, metric: Metric, pairs: DrawnPairs
) -> Separation:
    """Compare the pairs by one model; row i of `vectors` (n, dim) is what it made of face i."""
    return Separation(
        model=model,
        calibration=calibration,
        same=np.sort(_compare(vectors, pairs.same, metric)),
        different=np.sort(_compare(vectors, pairs.different, metric)),
    )


def draw_pairs(numbers: NDArray[np.int64], limit: int = MAX_PAIRS) -> DrawnPairs:
    """At most `limit` pairs of either kind; `numbers` (n,) has a number from 0 on for each face's person."""
    random = np.random.default_rng(_SEED)
    count = len(numbers)
    if count * (count - 1) // 2 <= limit:
        pairs = np.stack(np.triu_indices(count, k=1), axis=1)
        same = numbers[pairs[:, 0]] == numbers[pairs[:, 1]]
        return DrawnPairs(same=pairs[same], different=pairs[~same], complete=True)
    return DrawnPairs(
        same=_draw_same(numbers, limit, random),
        different=_draw_different(numbers, limit, random),
        complete=False,
    )


def _draw_same(numbers: NDArray[np.int64], limit: int, random: np.random.Generator) -> PairsOfRows:
    """All of them if they are that few; else drawn so that each is as likely as any other."""
    rows: NDArray[np.int64] = np.argsort(numbers, kind="stable")
    sizes = np.bincount(numbers)
    starts = np.cumsum(sizes) - sizes
    chances = sizes * (sizes - 1) / 2
    if chances.sum() <= limit:
        found = [
            start + np.stack(np.triu_indices(size, k=1), axis=1)
            for start, size in zip(starts, sizes, strict=True)
            if size > 1
        ]
        return np.take(rows, np.concatenate([np.empty((0, 2), dtype=np.int64), *found]))
    whose = random.choice(len(sizes), size=limit, p=chances / chances.sum())
    first = random.integers(sizes[whose])
    # Any of the person's other faces: those from the first one on move up by one.
    second = random.integers(sizes[whose] - 1)
    second += second >= first
    return np.take(rows, starts[whose, np.newaxis] + np.stack([first, second], axis=1))


def _draw_different(numbers: NDArray[np.int64], limit: int, random: np.random.Generator) -> PairsOfRows:
    found = np.empty((0, 2), dtype=np.int64)
    for _ in range(_DRAWS):
        pairs = random.integers(len(numbers), size=(limit, 2))
        found = np.concatenate([found, pairs[numbers[pairs[:, 0]] != numbers[pairs[:, 1]]]])
        if len(found) >= limit:
            break
    return found[:limit]


def _compare(vectors: Embeddings, pairs: PairsOfRows, metric: Metric) -> NDArray[np.float64]:
    """(len(pairs),) similarities as `matching.similarities` has them, some thousand pairs at a time."""
    found = [np.empty(0)]
    for start in range(0, len(pairs), _ROWS_AT_ONCE):
        one, other = (vectors[column] for column in pairs[start : start + _ROWS_AT_ONCE].T)
        with np.errstate(over="ignore", invalid="ignore"):
            if metric is Metric.COSINE:
                alike = np.einsum("ij,ij->i", one, other)
            else:
                alike = 1 - np.linalg.norm(one - other, axis=1) * (2 / 3)
        # Absurd numbers in the database overflow: as unlike as can be.
        found.append(np.clip(np.nan_to_num(alike, nan=-1.0, posinf=-1.0, neginf=-1.0), -1.0, 1.0))
    return np.concatenate(found).astype(np.float64)


def _part(wrong: NDArray[np.bool_]) -> float | None:
    return float(wrong.mean()) if len(wrong) else None
