"""Which model answers: the configured pack as soon as it can, the fallback engine until then."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rollcall.core.calibration import Calibration, Calibrations
from rollcall.core.errors import ModelNotLoaded, RollcallError
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.models import ActiveModel, LoadedModel
from rollcall.core.ports import FaceReader
from rollcall.core.shared_settings import SharedSettings
from rollcall.modelstore.catalog import Pack, official, present
from rollcall.modelstore.download import DownloadFailed

logger = logging.getLogger("rollcall.models")

FIRST_RETRY_SECONDS = 5.0
LONGEST_RETRY_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """The settings that decide which model answers."""

    name: str
    model_dir: Path
    download: bool
    fallback: bool
    min_similarity: float | Literal["auto"]

    def threshold(self, model: str, calibration: Calibration, shared: SharedSettings) -> float:
        """The similarity from which on this model calls two faces one person's.

        SIMILARITY_THRESHOLD, the shared one before the configured one, is set for the configured model. When
        the fallback stands in for it, a lower setting would accept strangers, since dlib's similarities lie
        higher: its own operating point is the least.
        """
        override = shared.similarity_threshold
        setting = self.min_similarity if override is None else override
        if setting == "auto":
            return calibration.operating_point
        if model == self.name:
            return setting
        return max(setting, calibration.operating_point)


class ModelSwitch:
    """Implements core.ports.Models. `run` brings the configured model up and never gives up."""

    def __init__(
        self,
        *,
        choice: ModelChoice,
        faces: FaceReader,
        fetch: Callable[[Pack], Awaitable[None]],
        calibrations: Callable[[], Calibrations],
        shared: Callable[[], SharedSettings],
    ) -> None:
        self._choice = choice
        self._faces = faces
        self._fetch = fetch
        self._calibrations = calibrations
        self._shared = shared
        self._loaded: LoadedModel | None = None
        self._problem = f"{choice.name} is still loading."

    def active(self) -> ActiveModel:
        if self._loaded is None:
            raise ModelNotLoaded(self._problem)
        # Asked each time: a calibration or a threshold may be stored while the model answers.
        name, calibration = self._loaded.name, self._calibrations().of(self._loaded.name)
        return ActiveModel(
            name=name,
            backend=self._loaded.backend,
            min_similarity=self._choice.threshold(name, calibration, self._shared()),
            calibration=calibration,
        )

    def why_degraded(self) -> str | None:
        """Why another model than the configured one answers; None if the configured one does."""
        if self._loaded is None or self._loaded.name == self._choice.name:
            return None
        return f"The fallback engine {self._loaded.name} answers: {self._problem}"

    async def run(self) -> None:
        """Return once the configured model answers; until then try again and again."""
        wait = FIRST_RETRY_SECONDS
        while not await self.step():
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_RETRY_SECONDS)

    async def step(self) -> bool:
        """Try everything once: load the configured model, else fall back and download; True if it answers."""
        if await self._try_configured():
            return True
        await self._fall_back()
        return await self._download() and await self._try_configured()

    async def _try_configured(self) -> bool:
        name = self._choice.name
        if name != FALLBACK_MODEL and not await asyncio.to_thread(present, self._choice.model_dir, name):
            self._problem = f"{name} is not in the model folder."
            return False
        return await self._activate(name)

    async def _fall_back(self) -> None:
        if self._choice.fallback and self._loaded is None:
            # It does not say a word about the configured model, whose problem is the one to report.
            problem = self._problem
            await self._activate(FALLBACK_MODEL)
            self._problem = problem

    async def _download(self) -> bool:
        pack = official(self._choice.name)
        if not self._choice.download or pack is None:
            return False
        if await asyncio.to_thread(present, self._choice.model_dir, pack.name):
            return False
        self._problem = f"{pack.name} is being downloaded."
        logger.info("Downloading %s", pack.name)
        try:
            await self._fetch(pack)
        except DownloadFailed as error:
            self._problem = str(error)
            logger.warning("%s", self._problem)
            return False
        logger.info("Downloaded %s", pack.name)
        return True

    async def _activate(self, name: str) -> bool:
        try:
            loaded = await self._faces.load(name)
        except RollcallError as error:
            self._problem = f"{name} cannot be loaded: {error.message}"
            logger.warning("%s", self._problem)
            return False
        self._loaded = loaded
        logger.info("Model %s answers, on %s", name, loaded.backend)
        return True
