"""How alike many faces are, each with each, in memory that does not grow with their square."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from rollcall.core.faces import Embeddings, Metric

PROBES_A_BLOCK = 256
# In a large school fewer probes, so that a block has 16 MB of similarities at most and is soon done.
SIMILARITIES_A_BLOCK = 2_000_000


class SimilarityBlocks:
    """Compares faces of one model with all of them, as `matching.similarities` does: higher is closer."""

    def __init__(self, vectors: Embeddings, metric: Metric) -> None:
        """`vectors`: (n, dim)."""
        self._metric = metric
        # Squares of distances are differences of large numbers here: in float32 a face would be 0.001 away
        # from itself.
        exact = np.float64 if metric is Metric.EUCLIDEAN else np.float32
        self._vectors: NDArray[np.floating] = np.asarray(vectors, dtype=exact)
        with np.errstate(over="ignore"):
            self._squares = np.einsum("ij,ij->i", self._vectors, self._vectors)  # (n,)

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.floating]:
        """The similarities of these faces to all, (len(rows), n); -inf where they overflow."""
        with np.errstate(over="ignore", invalid="ignore"):
            found = self._vectors[rows] @ self._vectors.T
            if self._metric is Metric.EUCLIDEAN:
                found *= -2
                found += self._squares
                found += self._squares[rows, np.newaxis]
                np.maximum(found, 0, out=found)
                np.sqrt(found, out=found)
                found *= -2 / 3
                found += 1
        found[~np.isfinite(found)] = -np.inf
        return found


def blocks(rows: NDArray[np.int64], faces: int, pause: Callable[[], None]) -> Iterator[NDArray[np.int64]]:
    """The rows, as many at a time as may be compared with so many faces; `pause` is called in between."""
    size = max(1, min(PROBES_A_BLOCK, SIMILARITIES_A_BLOCK // max(1, faces)))
    for start in range(0, len(rows), size):
        if start:
            pause()
        yield rows[start : start + size]
