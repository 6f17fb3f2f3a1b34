"""Keeps loaded the models that are wanted, and no others."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from rollcall.core.calibration import Calibrations
from rollcall.core.errors import DatabaseError, ModelNotLoaded, Overloaded, RollcallError, RunnerAway
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.models import LoadedModel
from rollcall.core.ports import FaceReader
from rollcall.core.shared_settings import SharedSettings
from rollcall.modelstore.answering import AnsweringModels
from rollcall.modelstore.catalog import Pack, official, present
from rollcall.modelstore.choice import ModelChoice
from rollcall.modelstore.download import DownloadFailed

logger = logging.getLogger("rollcall.models")

FIRST_RETRY_SECONDS: Final = 5.0
LONGEST_RETRY_SECONDS: Final = 600.0
LOOK_SECONDS: Final = 1.0
# By then every request is over that had begun with a model when it was freed.
SETTLE_SECONDS: Final = 60.0

Progress = Callable[[int, int | None], None]
Fetch = Callable[[Pack, Progress], Awaitable[None]]


class ModelKeeper(AnsweringModels):
    """Implements core.ports.ModelStates and core.ports.ModelFiles. `run` keeps loaded what is wanted.

    Wanted are the model that answers by the database's word, else by the environment's; the one that a switch
    goes to, or while there is none the one before, as the way back; the further ones of the settings; and
    those of faces that have no other's embedding.
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
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        """`check` raises ModelNotLoaded for a model that is not the one of its name, and DatabaseError where
        that cannot be told. `needed` names the models by which faces are matched that lack a model's
        embedding. `settle_seconds` after a model was freed it is freed once more."""
        super().__init__(choice=choice, calibrations=calibrations, shared=shared)
        self._faces = faces
        self._fetch = fetch
        self._check = check
        self._needed = needed
        self._settle_seconds = settle_seconds
        self._freed: dict[str, float] = {}  # and when to free it once more
        self._locks: dict[str, asyncio.Lock] = {}
        self._warned_of: str | None = None

    async def run(self) -> None:
        """Load what is wanted and free what is not, for ever."""
        tasks: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                self._warn_of_ignored()
                wanted = self._all_wanted()
                for name in self._problems.keys() - set(wanted):
                    del self._problems[name]
                idle = self._idle(wanted)
                kept = [name for name in dict.fromkeys([*wanted, *self._loaded]) if name not in idle]
                for name in tasks.keys() - set(kept):
                    tasks.pop(name).cancel()
                for name in kept:
                    if name not in tasks or tasks[name].done():
                        tasks[name] = asyncio.create_task(self._keep(name))
                await self._free(idle)
                await self._free_again()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)

    async def step(self) -> bool:
        """Try once to have the wanted model answer; True if it does. Else the fallback may."""
        try:
            await self._have(self.wanted)
        except ModelNotLoaded:
            await self._fall_back()
            return False
        return True

    async def ensure(self, name: str) -> LoadedModel:
        """See core.ports.ModelFiles. Callers who come meanwhile wait for the same attempt."""
        await self._have(name)
        if name in self._unchecked:
            await self._confirm(name)
        loaded = await self._have(name)
        if name in self._unchecked:
            raise DatabaseError(f"Whether {name} is the model of its embeddings cannot be told now.")
        return loaded

    def _all_wanted(self) -> list[str]:
        shared = self._shared()
        previous = shared.previous_model
        if shared.next_model is not None and self.wanted in self._loaded:
            # Else three would be in memory. Going back loads it, and it comes back when the switch is over.
            previous = None
        names = (self.wanted, shared.next_model, *self._choice.further, previous)
        needed = sorted(self._needed(self.wanted) - {FALLBACK_MODEL})  # which needs no check: it is ours
        return list(dict.fromkeys(name for name in (*names, *needed) if name is not None))

    def _warn_of_ignored(self) -> None:
        shared = self._shared().insightface_model
        if shared not in (None, self._choice.name, self._warned_of):
            logger.warning(
                "INSIGHTFACE_MODEL=%s does not count: models were switched, and %s is to answer. "
                "To change that: rollcall models switch",
                self._choice.name,
                shared,
            )
        self._warned_of = shared

    def _idle(self, wanted: list[str]) -> list[str]:
        """What is loaded and nobody needs."""
        if self.wanted not in self._loaded:
            return []  # whatever is loaded may have to answer
        kept = {*wanted, *self._needed(self.wanted)}
        return [name for name in self._loaded if name not in kept]

    async def _keep(self, name: str) -> None:
        """Have it loaded, and see ever after that the runner still has the same."""
        wait = FIRST_RETRY_SECONDS
        while True:
            try:
                await self._have(name)
            except ModelNotLoaded:
                if name == self.wanted:
                    await self._fall_back()
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_RETRY_SECONDS)
            else:
                wait = FIRST_RETRY_SECONDS
                await asyncio.sleep(LOOK_SECONDS)
                await self._confirm(name)

    async def _have(self, name: str) -> LoadedModel:
        """Loaded, though perhaps unchecked."""
        if name in self._loaded:
            return self._loaded[name]
        async with self._lock(name):
            if name not in self._loaded:
                try:
                    self._loaded[name] = await self._bring(name)
                except RollcallError as error:
                    self._problems[name] = error.message
                    logger.warning("%s", error.message)
                    kind = RunnerAway if isinstance(error, RunnerAway) else ModelNotLoaded
                    raise kind(error.message, model=name) from None
                self._problems.pop(name, None)
                logger.info("Model %s can answer, on %s", name, self._loaded[name].backend)
            return self._loaded[name]

    async def _confirm(self, name: str) -> None:
        """A runner that was started anew has read the files anew, and they may be others or gone."""
        async with self._lock(name):
            before = self._loaded.get(name)
            if before is None:
                return
            try:
                now = await self._load(name)
                if now.load_id != before.load_id:
                    # Until that is checked it stores nothing. Who asks meanwhile is answered: no request
                    # shall fail because the runner was started anew.
                    self._unchecked.add(name)
                if name in self._unchecked:
                    await self._check_loaded(now)
                self._loaded[name] = now
            except (RunnerAway, Overloaded):
                return  # which says nothing about the model
            except RollcallError as error:
                self._problems[name] = error.message
                self._forget(name)

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
            kind = RunnerAway if isinstance(error, RunnerAway | Overloaded) else ModelNotLoaded
            raise kind(f"{name} cannot be loaded: {error.message}") from None
        await self._check_loaded(loaded)
        return loaded

    async def _check_loaded(self, model: LoadedModel) -> None:
        try:
            await self._check(model)
        except DatabaseError:
            self._unchecked.add(model.name)  # the database may take longer to start than we do
        except ModelNotLoaded:
            # Else the runner would still have it when the right files are back, and name theirs.
            await self._unload(model.name)
            raise
        except asyncio.CancelledError:
            self._take_over(model)
            raise
        else:
            self._unchecked.discard(model.name)

    async def _load(self, name: str) -> LoadedModel:
        loading = asyncio.create_task(self._faces.load(name))
        try:
            return await asyncio.shield(loading)
        except asyncio.CancelledError:
            # The runner goes on, and would keep a model that nobody here knows of.
            loading.add_done_callback(self._take_over_result)
            raise

    def _take_over_result(self, loading: asyncio.Task[LoadedModel]) -> None:
        if not loading.cancelled() and loading.exception() is None:
            self._take_over(loading.result())

    def _take_over(self, model: LoadedModel) -> None:
        if model.name not in self._loaded:
            self._loaded[model.name] = model
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

    async def _free(self, names: Iterable[str]) -> None:
        for name in names:
            if self._lock(name).locked():
                continue  # somebody is asking for it
            async with self._lock(name):
                # Requests that began with it end with it: the runner loads it again for them, if need be.
                self._forget(name)
                self._freed[name] = time.monotonic() + self._settle_seconds
                if await self._unload(name):
                    logger.info("Model %s is unloaded", name)

    async def _free_again(self) -> None:
        """What the runner has loaded again for a request that had begun before."""
        for name, when in list(self._freed.items()):
            if name in self._loaded or self._lock(name).locked():
                del self._freed[name]
            elif time.monotonic() >= when:
                async with self._lock(name):
                    del self._freed[name]
                    await self._unload(name)

    async def _unload(self, name: str) -> bool:
        try:
            await self._faces.unload(name)
        except RollcallError as error:
            logger.warning("Model %s could not be unloaded: %s", name, error.message)
            return False
        return True

    def _forget(self, name: str) -> None:
        self._loaded.pop(name, None)
        self._unchecked.discard(name)

    def _lock(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())
