"""Which model answers: the one that is wanted as soon as it can, another until then."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from rollcall.core.calibration import Calibrations
from rollcall.core.errors import DatabaseError, ModelNotLoaded, RollcallError
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.models import ActiveModel, LoadedModel
from rollcall.core.ports import FaceReader
from rollcall.core.shared_settings import SharedSettings
from rollcall.modelstore.catalog import Pack, official, present
from rollcall.modelstore.choice import ModelChoice
from rollcall.modelstore.download import DownloadFailed

logger = logging.getLogger("rollcall.models")

FIRST_RETRY_SECONDS: Final = 5.0
LONGEST_RETRY_SECONDS: Final = 600.0
LOOK_SECONDS: Final = 1.0

Progress = Callable[[int, int | None], None]
Fetch = Callable[[Pack, Progress], Awaitable[None]]


class ModelKeeper:
    """Implements core.ports.Models and core.ports.ModelFiles. `run` keeps loaded what is wanted.

    Wanted are the model that answers by the database's word, else by the environment's; the one before it, as
    the way back; the one that a switch goes to; the further ones of the settings; and those of faces that
    have no other's embedding.
    """

    def __init__(
        self,
        *,
        choice: ModelChoice,
        faces: FaceReader,
        fetch: Fetch,
        check: Callable[[LoadedModel], Awaitable[None]],
        calibrations: Callable[[], Calibrations],
        shared: Callable[[], SharedSettings],
        needed: Callable[[str], frozenset[str]],
    ) -> None:
        """`check` raises ModelNotLoaded for a model that is not the one of its name, and DatabaseError where
        that cannot be told. `needed` names the models by which faces are matched that lack a model's
        embedding."""
        self._choice = choice
        self._faces = faces
        self._fetch = fetch
        self._check = check
        self._calibrations = calibrations
        self._shared = shared
        self._needed = needed
        self._loaded: dict[str, LoadedModel] = {}
        self._unchecked: set[str] = set()
        self._problems: dict[str, str] = {}
        self._downloads: dict[str, tuple[int, int | None]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._former: str | None = None  # what answered last

    # Which model answers

    @property
    def wanted(self) -> str:
        """The model that is to answer."""
        return self._shared().insightface_model or self._choice.name

    @property
    def loaded(self) -> Mapping[str, LoadedModel]:
        """What is in the runner's memory, as far as this process knows."""
        return self._loaded

    @property
    def problems(self) -> Mapping[str, str]:
        """Why models that are wanted are not loaded."""
        return self._problems

    @property
    def downloads(self) -> Mapping[str, tuple[int, int | None]]:
        """Bytes that are there, and all of them where that is known, of what is being downloaded."""
        return self._downloads

    def active(self) -> ActiveModel:
        """See core.ports.Models."""
        name = self._answering()
        model = None if name is None else self.named(name)
        if model is None:
            raise ModelNotLoaded(self._problem())
        self._former = model.name
        return model

    def named(self, name: str) -> ActiveModel | None:
        """See core.ports.Models."""
        loaded = self._loaded.get(name)
        if loaded is None:
            return None
        # Asked each time: a calibration or a threshold may be stored while the model answers.
        calibration = self._calibrations().of(name)
        stands_in = name not in (self.wanted, *self._choice.further)
        return ActiveModel(
            name=name,
            backend=loaded.backend,
            min_similarity=self._choice.threshold(name, calibration, self._shared(), stands_in=stands_in),
            calibration=calibration,
        )

    def why_degraded(self) -> str | None:
        """Why another model than the wanted one answers; None if that one does, or none at all."""
        name = self._answering()
        if name is None or name == self.wanted:
            return None
        which = "fallback engine" if name == FALLBACK_MODEL else "former model"
        return f"The {which} {name} answers: {self._problem()}"

    def _answering(self) -> str | None:
        names = (self.wanted, self._former, self._shared().previous_model, FALLBACK_MODEL)
        return next((name for name in names if name in self._loaded), None)

    def _problem(self) -> str:
        name = self.wanted
        if name in self._downloads:
            done, total = self._downloads[name]
            share = f", {100 * done // total} %" if total else ""
            return f"{name} is being downloaded{share}."
        return self._problems.get(name, f"{name} is still loading.")

    # Keeping them loaded

    async def run(self) -> None:
        """Load what is wanted and free what is not, for ever."""
        tasks: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                wanted = self._all_wanted()
                for name in [name for name in tasks if name not in wanted]:
                    tasks.pop(name).cancel()
                for name in self._problems.keys() - set(wanted):
                    del self._problems[name]
                for name in wanted:
                    if name not in self._loaded and (name not in tasks or tasks[name].done()):
                        tasks[name] = asyncio.create_task(self._keep_trying(name))
                await self._check_late()
                await self._free(wanted)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)

    async def step(self) -> bool:
        """Try once to have the wanted model answer; True if it does. Else the fallback may."""
        try:
            await self.ensure(self.wanted)
        except ModelNotLoaded:
            await self._fall_back()
            return False
        return True

    async def ensure(self, name: str) -> LoadedModel:
        """See core.ports.ModelFiles. Callers who come meanwhile wait for the same attempt."""
        if name in self._loaded:
            return self._loaded[name]
        async with self._locks.setdefault(name, asyncio.Lock()):
            if name not in self._loaded:
                try:
                    self._loaded[name] = await self._bring(name)
                except RollcallError as error:
                    self._problems[name] = error.message
                    logger.warning("%s", error.message)
                    raise ModelNotLoaded(error.message, model=name) from None
                self._problems.pop(name, None)
                logger.info("Model %s can answer, on %s", name, self._loaded[name].backend)
            return self._loaded[name]

    def _all_wanted(self) -> list[str]:
        shared = self._shared()
        names = (self.wanted, shared.next_model, *self._choice.further, shared.previous_model)
        needed = sorted(self._needed(self.wanted) - {FALLBACK_MODEL})  # which needs no check: it is ours
        return list(dict.fromkeys(name for name in (*names, *needed) if name is not None))

    async def _keep_trying(self, name: str) -> None:
        wait = FIRST_RETRY_SECONDS
        while True:
            try:
                await self.ensure(name)
            except ModelNotLoaded:
                if name == self.wanted:
                    await self._fall_back()
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_RETRY_SECONDS)
            else:
                return

    async def _bring(self, name: str) -> LoadedModel:
        if name != FALLBACK_MODEL and not await asyncio.to_thread(present, self._choice.model_dir, name):
            pack = official(name)
            if not self._choice.download or pack is None:
                raise ModelNotLoaded(f"{name} is not in the model folder.")
            if name == self.wanted:
                await self._fall_back()  # a download takes minutes
            await self._download(pack)
        try:
            loaded = await self._load(name)
        except RollcallError as error:
            raise ModelNotLoaded(f"{name} cannot be loaded: {error.message}") from None
        try:
            await self._check(loaded)
        except DatabaseError:
            self._unchecked.add(name)  # the database may take longer to start than we do
        except ModelNotLoaded:
            # Else the runner would still have it when the right files are back, and name theirs.
            await self._unload(name)
            raise
        return loaded

    async def _load(self, name: str) -> LoadedModel:
        loading = asyncio.create_task(self._faces.load(name))
        try:
            return await asyncio.shield(loading)
        except asyncio.CancelledError:
            # The runner goes on, and would keep a model that nobody here knows of.
            loading.add_done_callback(self._take_over)
            raise

    def _take_over(self, loading: asyncio.Task[LoadedModel]) -> None:
        if not loading.cancelled() and loading.exception() is None:
            model = loading.result()
            self._loaded.setdefault(model.name, model)
            self._unchecked.add(model.name)

    async def _download(self, pack: Pack) -> None:
        def told(done: int, total: int | None) -> None:
            self._downloads[pack.name] = (done, total)

        told(0, None)
        try:
            await self._fetch(pack, told)
        except DownloadFailed as error:
            raise ModelNotLoaded(str(error)) from None
        finally:
            del self._downloads[pack.name]

    async def _fall_back(self) -> None:
        if not self._choice.fallback or self._answering() is not None:
            return
        try:
            self._loaded[FALLBACK_MODEL] = await self._faces.load(FALLBACK_MODEL)
        except RollcallError as error:
            # What health reports is the wanted model's problem.
            logger.warning("The fallback engine cannot be loaded: %s", error.message)
        else:
            logger.info("The fallback engine answers")

    async def _check_late(self) -> None:
        """Of those that could not be checked when they were loaded."""
        for name in sorted(self._unchecked & set(self._loaded)):
            try:
                await self._check(self._loaded[name])
            except DatabaseError:
                continue
            except ModelNotLoaded as error:
                self._problems[name] = error.message
                logger.warning("%s", error.message)
                del self._loaded[name]
                await self._unload(name)
            self._unchecked.discard(name)

    async def _free(self, wanted: list[str]) -> None:
        if self.wanted not in self._loaded:
            return  # whatever is loaded may have to answer
        kept = {*wanted, *self._needed(self.wanted)}
        for name in [name for name in self._loaded if name not in kept]:
            # Requests that began with it end with it: the runner loads it again for them, if need be.
            del self._loaded[name]
            await self._unload(name)

    async def _unload(self, name: str) -> None:
        try:
            await self._faces.unload(name)
        except RollcallError as error:
            logger.warning("Model %s could not be unloaded: %s", name, error.message)
        else:
            logger.info("Model %s is unloaded", name)
