"""How alike two faces are, and what that means."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rollcall.core.faces import FALLBACK_MODEL, Embedding, Embeddings, Metric
from rollcall.core.people import PersonKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One gallery hit. Thresholds are compared with `similarity`; `confidence` is the probability."""

    person: PersonKey
    model: str
    similarity: float
    confidence: float


def similarities(gallery: Embeddings, probe: Embedding, metric: Metric) -> NDArray[np.float32]:
    """Compare one probe (dim,) with a gallery (n, dim); higher is closer.

    Cosine for unit vectors; for dlib's embeddings 1 - distance * 2/3, which puts its tolerance of 0.6 on 0.6.
    """
    if metric is Metric.COSINE:
        return gallery @ probe
    distances = np.linalg.norm(gallery - probe, axis=1)
    return np.asarray(1 - distances * (2 / 3), dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Similarity → probability, as a logistic curve. `generic` when it was not fitted for this very model."""

    midpoint: float
    slope: float
    operating_point: float
    generic: bool = False

    def confidence(self, similarity: float) -> float:
        """The probability, 0..1, that two faces of this similarity are one person."""
        # Beyond ±60 the answer no longer changes, and exp would overflow.
        exponent = max(-60.0, min(60.0, self.slope * (similarity - self.midpoint)))
        return 1 / (1 + math.exp(-exponent))


# ArcFace-like packs separate same and different persons around cosine 0.35 to 0.4.
GENERIC = Calibration(midpoint=0.36, slope=25.0, operating_point=0.4, generic=True)
# dlib's own operating point is distance 0.6, similarity 0.6.
CALIBRATIONS: Mapping[str, Calibration] = {
    FALLBACK_MODEL: Calibration(midpoint=0.6, slope=30.0, operating_point=0.6),
}


def calibration_of(model: str) -> Calibration:
    return CALIBRATIONS.get(model, GENERIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From which similarity on two faces are held to be one person's."""

    active_model: str
    min_similarity: float

    def for_model(self, model: str) -> float:
        """The threshold for faces compared by this model."""
        if model == self.active_model:
            return self.min_similarity
        # The setting is meant for the active model; a face compared by another must also reach that model's
        # own operating point, else a low setting for a pack would accept strangers by dlib's distances.
        return max(self.min_similarity, calibration_of(model).operating_point)

    def accepts(self, match: Match) -> bool:
        return match.similarity >= self.for_model(match.model)
