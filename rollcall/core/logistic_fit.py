"""Fits a logistic curve to similarities of pairs.

The method is Platt's ("Probabilistic Outputs for Support Vector Machines", 1999), with Newton's steps as in
the note on it by Lin, Lin and Weng (2007).
"""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float64]  # (n,)

# Keeps the curvature above zero. Too small to be seen: similarities are standardised, slopes about 1 to 10.
_RIDGE: Final = 1e-6
_MAX_STEPS: Final = 100
_SMALL_ENOUGH: Final = 1e-10


def fit_logistic(same: Numbers, different: Numbers) -> tuple[float, float]:
    """The midpoint and slope of the curve that fits best; a slope of 0 or less: same pairs are no more alike.

    Both classes count the same, however many more pairs of two people there are than of one, so that the
    probabilities are for even odds. The targets are Platt's: not 1 and 0 but (n + 1) / (n + 2) and
    1 / (n + 2), n being the size of the smaller class. So the curve is no steeper than that many pairs
    justify, and finite where no threshold errs.
    """
    similarities = np.concatenate([same, different])
    centre, spread = (same.mean() + different.mean()) / 2, max(float(similarities.std()), 1e-6)
    smaller = min(len(same), len(different))
    hit = (smaller + 1) / (smaller + 2)
    targets = np.concatenate([np.full(len(same), hit), np.full(len(different), 1 - hit)])
    weights = np.concatenate([np.full(len(same), 1 / len(same)), np.full(len(different), 1 / len(different))])
    slope, offset = _newton((similarities - centre) / spread, targets, weights)
    if slope <= 0:
        return float(centre), float(slope / spread)
    return float(centre - offset * spread / slope), float(slope / spread)


def _newton(x: Numbers, targets: Numbers, weights: Numbers) -> Numbers:
    """Slope and offset of least weighted cross entropy; the problem is convex, so any start will do."""
    found = np.zeros(2)
    design = np.stack([x, np.ones_like(x)], axis=1)
    ridge = np.array([_RIDGE, 0.0])
    loss = _loss(found, design, targets, weights)
    for _ in range(_MAX_STEPS):
        probabilities = _logistic(design @ found)
        gradient = design.T @ (weights * (probabilities - targets)) + ridge * found
        curvature = weights * probabilities * (1 - probabilities)
        hessian = (design * curvature[:, None]).T @ design + np.eye(2) * _RIDGE
        step: Numbers = np.linalg.solve(hessian, gradient).astype(np.float64)
        if not _matters(step):
            break
        # Halved until it is an improvement: far from the minimum a whole step may lead away from it.
        while (better := _loss(found - step, design, targets, weights)) > loss and _matters(step):
            step /= 2
        found, loss = found - step, better
    return found


def _matters(step: Numbers) -> bool:
    return bool(np.abs(step).max() > _SMALL_ENOUGH)


def _loss(found: Numbers, design: NDArray[np.float64], targets: Numbers, weights: Numbers) -> float:
    logits = design @ found
    # Cross entropy, written so that nothing overflows.
    return float(weights @ (np.logaddexp(0, logits) - targets * logits) + _RIDGE / 2 * found[0] ** 2)


def _logistic(logits: Numbers) -> Numbers:
    return np.exp(-np.logaddexp(0, -logits))
