"""What a similarity means: the probability that two faces are one person's, by a curve for each model."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from rollcall.core.faces import FALLBACK_MODEL


class CalibrationSource(StrEnum):
    """Where a calibration comes from."""

    GENERIC = "generic"  # one for all packs that have none of their own
    BUILT_IN = "built-in"
    STORED = "stored"  # made by `rollcall evaluate --store`


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Similarity → probability, as a logistic curve; and the least similarity to call two faces one person's.

    `midpoint` is the similarity of probability one half, `slope` the log-odds that a similarity of 1 adds.
    The probability is for a pair that is as likely as not to be one person's before the faces are compared.
    """

    midpoint: float
    slope: float
    operating_point: float
    source: CalibrationSource

    def confidence(self, similarity: float) -> float:
        """The probability, 0..1, that two faces of this similarity are one person."""
        # Beyond ±60 the answer no longer changes, and exp would overflow.
        exponent = max(-60.0, min(60.0, self.slope * (similarity - self.midpoint)))
        return 1 / (1 + math.exp(-exponent))


# ArcFace-like packs separate same and different persons around cosine 0.35 to 0.4. None of the official ones
# could be had to fit. `rollcall evaluate` gives scrfd_mbf, a MobileFaceNet, on the 300 pairs of
# ../shared/photos/people the midpoint 0.356, the slope 10.3 (34 same pairs justify no steeper one) and the
# threshold 0.381.
GENERIC: Final = Calibration(midpoint=0.36, slope=25.0, operating_point=0.4, source=CalibrationSource.GENERIC)
# dlib's own operating point, which its author measured on LFW's 6,000 pairs, is distance 0.6, similarity 0.6.
# The same 300 pairs agree with it and are too few to better it: midpoint 0.588, slope 22.8, threshold 0.593.
BUILT_IN: Final[Mapping[str, Calibration]] = {
    FALLBACK_MODEL: Calibration(
        midpoint=0.6, slope=30.0, operating_point=0.6, source=CalibrationSource.BUILT_IN
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrations:
    """Every model's calibration: the stored one, else the built-in one, else the generic one."""

    stored: Mapping[str, Calibration] = field(default_factory=dict)

    def of(self, model: str) -> Calibration:
        return self.stored.get(model) or BUILT_IN.get(model, GENERIC)
