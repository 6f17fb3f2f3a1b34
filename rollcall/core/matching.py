"""How alike two faces are, and whether that is enough."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rollcall.core.calibration import Calibrations
from rollcall.core.faces import Embedding, Embeddings, Metric
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


def all_similarities(gallery: Embeddings, probes: Embeddings, metric: Metric) -> NDArray[np.float32]:
    """The same for several probes (m, dim): (n, m)."""
    # Absurd numbers in a database overflow; whoever looks for the greatest leaves out what is not finite.
    with np.errstate(over="ignore", invalid="ignore"):
        if metric is Metric.COSINE:
            return gallery @ probes.T
        return np.stack([similarities(gallery, probe, metric) for probe in probes], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From which similarity on two faces are held to be one person's."""

    active_model: str
    min_similarity: float
    calibrations: Calibrations = field(default_factory=Calibrations)

    def for_model(self, model: str) -> float:
        """The threshold for faces compared by this model."""
        if model == self.active_model:
            return self.min_similarity
        # The setting is meant for the active model; a face compared by another must also reach that model's
        # own operating point, else a low setting for a pack would accept strangers by dlib's distances.
        return max(self.min_similarity, self.calibrations.of(model).operating_point)

    def accepts(self, match: Match) -> bool:
        return match.similarity >= self.for_model(match.model)
