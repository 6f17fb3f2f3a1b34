"""How often a threshold errs, counted on pairs of which it is known whether they are one person."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualError:
    """Where false accepts and false rejects are as equally frequent as can be, and the mean of both rates."""

    rate: float
    threshold: float


class ErrorRates:
    """Similarities of `same` pairs (one person) and `different` ones (two people), at least one of each.

    A pair is accepted when its similarity is at least the threshold. The false accept rate is the part of the
    different pairs that is accepted, the false reject rate the part of the same pairs that is not; both 0..1.
    A rate that is asked for as a maximum is below 1.
    """

    def __init__(self, *, same: ArrayLike, different: ArrayLike) -> None:
        self.same: NDArray[np.float64] = np.sort(np.asarray(same, dtype=np.float64))  # (n,), ascending
        self.different: NDArray[np.float64] = np.sort(np.asarray(different, dtype=np.float64))  # the same
        if not len(self.same) or not len(self.different):
            raise ValueError("Rates need at least one pair of either kind.")

    def false_accept(self, threshold: float) -> float:
        return float(self.false_accepts(np.array([threshold]))[0])

    def false_reject(self, threshold: float) -> float:
        return float(self.false_rejects(np.array([threshold]))[0])

    def false_accepts(self, thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
        """The false accept rate at each threshold."""
        accepted = len(self.different) - np.searchsorted(self.different, thresholds)
        return np.asarray(accepted / len(self.different), dtype=np.float64)

    def false_rejects(self, thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
        """The false reject rate at each threshold."""
        rejected = np.searchsorted(self.same, thresholds)
        return np.asarray(rejected / len(self.same), dtype=np.float64)

    def true_accept_at(self, max_false_accept: float) -> float:
        """The part of the same pairs that is accepted by the lowest threshold that keeps to this rate."""
        return 1 - self.false_reject(float(np.nextafter(self._to_exceed(max_false_accept), np.inf)))

    def equal_error(self) -> EqualError:
        seen = np.unique(np.concatenate([self.same, self.different]))
        thresholds = np.append(seen, np.nextafter(seen[-1], np.inf))
        accepted, rejected = self.false_accepts(thresholds), self.false_rejects(thresholds)
        i = int(np.argmin(np.abs(accepted - rejected)))
        return EqualError(rate=float(accepted[i] + rejected[i]) / 2, threshold=float(thresholds[i]))

    def operating_point(self, max_false_accept: float) -> float:
        """The threshold to use, 0..1: at most this false accept rate, and then the fewest false rejects.

        The lowest that will do lies just above a different pair. It may move up to the next same pair without
        a further false reject; it is put into the middle between that pair and the nearest different pair
        below. Where nothing overlaps, that is the middle of the gap.
        """
        beneath = self._to_exceed(max_false_accept)
        above = self.same[self.same > beneath]
        upper = float(above[0]) if len(above) else max(1.0, float(np.nextafter(beneath, np.inf)))
        lower = float(self.different[self.different < upper][-1]) if len(above) else beneath
        return min(max(_between(lower, upper), 0.0), 1.0)

    def _to_exceed(self, max_false_accept: float) -> float:
        """The similarity that a threshold must lie above for a false accept rate of at most this."""
        # The tolerance: 0.001 * 3000 is a little below 3 in binary.
        allowed = int(max_false_accept * len(self.different) + 1e-9)
        return float(self.different[-1 - min(allowed, len(self.different) - 1)])


def _between(lower: float, upper: float) -> float:
    """A number above `lower` and at most `upper`: the middle, in as few digits as there is room for."""
    middle = (lower + upper) / 2
    for digits in range(3, 8):
        if lower < (rounded := round(middle, digits)) <= upper:
            return rounded
    return middle if lower < middle else upper
