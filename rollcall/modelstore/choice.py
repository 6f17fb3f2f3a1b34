"""The settings that decide which model answers, and from which similarity on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rollcall.core.calibration import Calibration
from rollcall.core.faces import FALLBACK_MODEL
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

    def threshold(
        self, model: str, calibration: Calibration, shared: SharedSettings, *, stands_in: bool
    ) -> float:
        """The similarity from which on a model calls two faces one person's.

        SIMILARITY_THRESHOLD, the shared one before the configured one, is set for the pack that is wanted,
        and counts for another pack too once that is wanted or asked beside it. It could accept strangers, and
        the model's own operating point is the least, where the model stands in for the wanted one, and where
        it is the fallback engine but the configured one is a pack, or the other way round: dlib's
        similarities lie higher.
        """
        override = shared.similarity_threshold
        setting = self.min_similarity if override is None else override
        if setting == "auto":
            return calibration.operating_point
        other_scale = (model == FALLBACK_MODEL) != (self.name == FALLBACK_MODEL)
        return max(setting, calibration.operating_point) if stands_in or other_scale else setting
