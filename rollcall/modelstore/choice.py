"""The settings that decide which model answers, and from which similarity on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rollcall.core.calibration import Calibration
from rollcall.core.shared_settings import SharedSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """The settings that decide which model answers. `further` ones are loaded beside it."""

    name: str
    model_dir: Path
    download: bool
    fallback: bool
    min_similarity: float | Literal["auto"]
    further: tuple[str, ...] = ()

    def threshold(self, calibration: Calibration, shared: SharedSettings, *, stands_in: bool) -> float:
        """The similarity from which on a model calls two faces one person's.

        SIMILARITY_THRESHOLD, the shared one before the configured one, is set for the model that is wanted.
        When another stands in for it, a lower setting could accept strangers, as it would by dlib, whose
        similarities lie higher: its own operating point is the least.
        """
        override = shared.similarity_threshold
        setting = self.min_similarity if override is None else override
        if setting == "auto":
            return calibration.operating_point
        return max(setting, calibration.operating_point) if stands_in else setting
