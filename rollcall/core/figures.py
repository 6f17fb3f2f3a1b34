"""What a server counts, for whoever watches it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowFigures:
    """Comparisons with the shadow model: stored, dropped for want of room, failed."""

    stored: int
    dropped: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How a server stands at a moment.

    `recognitions` counts faces by the model that answered and the model that knew the face, None for nobody.
    `faces` and `downloads` (bytes that have come) are by model. `switch` is the model that this server
    prepares, with how many of how many faces it has gone through.
    """

    active_model: str | None
    loaded_models: tuple[str, ...]
    faces: Mapping[str, int]
    downloads: Mapping[str, int]
    recognitions: Mapping[tuple[str, str | None], int]
    switch: tuple[str, int, int] | None
    shadow: ShadowFigures | None
