"""The long part of a switch: load, embed, rehearse, gather, flip. One server does it, and any can go on."""

import asyncio
import contextlib
import logging
import time
import weakref
from functools import partial
from typing import Final

from rollcall.core.counted import counted
from rollcall.core.database_ports import Database, Records
from rollcall.core.errors import DatabaseError, ModelNotLoaded, Overloaded, RollcallError, RunnerAway
from rollcall.core.models import Rehearsal, Switch, SwitchState, SwitchStep
from rollcall.core.ports import Gallery, ModelFiles
from rollcall.workflows.announce import UP_SECONDS
from rollcall.workflows.embed_missing import EmbedMissing
from rollcall.workflows.pacing import Pace
from rollcall.workflows.rehearse import objection, rehearse, unread_among
from rollcall.workflows.switch_models import audit_end, flip

logger = logging.getLogger("rollcall.models")

# A server that does not write for so long is gone, and another takes its switch over.
STALE_SECONDS: Final = 15
BEAT_SECONDS: Final = 2.0
# A switch that is forced waits so long for servers that cannot load the model.
FORCED_SECONDS: Final = 60.0
# The runner is back some ten seconds after it died, a database some more.
PATIENCE_SECONDS: Final = 300.0
_RETRY_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.2


class _Over(Exception):
    """The switch was cancelled, or another server has taken it over."""


class CarryOutSwitch:
    """Works on the switch that the database says is running, unless another server does."""

    def __init__(
        self,
        *,
        database: Database,
        gallery: Gallery,
        files: ModelFiles,
        embed: EmbedMissing,
        pace: Pace,
        owner: str,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """`owner` is this process's name among the servers.

        `patience_seconds`: how long the runner may be away, embedding make no headway, or another server lack
        the model, before the switch fails.
        """
        self._database = database
        self._gallery = gallery
        self._files = files
        self._embed = embed
        self._pace = pace
        self._owner = owner
        self._patience = patience_seconds
        self._step = SwitchStep.LOADING
        self._done = self._total = 0
        self._target: str | None = None
        self._rehearsed: dict[tuple[str | None, str], tuple[weakref.ref[object], list[int], Rehearsal]] = {}

    @property
    def progress(self) -> tuple[str, int, int] | None:
        """The model that this process prepares, and how many of how many faces it has gone through."""
        return None if self._target is None else (self._target, self._done, self._total)

    async def round(self) -> bool:
        """Carry the running switch out to its end; False if there is none for this process.

        Raises:
            DatabaseError: try again later.
        """
        if self._gallery.shared.next_model is None:
            return False
        claimed = await self._database.run(
            lambda records: records.switches.claim(self._owner, stale_seconds=STALE_SECONDS)
        )
        if claimed is None:
            return False
        logger.info("Switching from %s to %s", claimed.source, claimed.target)
        self._step, self._done, self._total = SwitchStep.LOADING, 0, 0
        self._target = claimed.target
        work = asyncio.create_task(self._work(claimed))
        beat = asyncio.create_task(self._beat(claimed))
        try:
            await asyncio.wait((work, beat), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._target = None
            for task in (work, beat):
                task.cancel()
            await asyncio.gather(work, beat, return_exceptions=True)
        await self._conclude(claimed, _error_of(work) or _error_of(beat))
        return True

    async def _conclude(self, switch: Switch, error: BaseException | None) -> None:
        if isinstance(error, DatabaseError):
            raise error  # what is stored by now stays, and the next round goes on from there
        if isinstance(error, RollcallError):
            await self._fail(switch, error.message)
        elif error is not None and not isinstance(error, _Over):
            logger.error("A switch failed: %s", type(error).__name__, exc_info=error)
            await self._fail(switch, "The server made a mistake; its log says more.")

    async def _fail(self, switch: Switch, problem: str, rehearsal: Rehearsal | None = None) -> None:
        def fail(records: Records) -> bool:
            records.changes.lock()
            if not self._advance(switch, records):
                return False
            records.switches.end(switch.id, SwitchState.FAILED, problem=problem, rehearsal=rehearsal)
            records.settings.remove("next_model")
            audit_end(records, switch, SwitchState.FAILED)
            return True

        # Another server that has taken it over meanwhile may fare better.
        if await self._database.run(fail):
            logger.warning("The switch to %s failed: %s", switch.target, problem)

    async def _beat(self, switch: Switch) -> None:
        """Tell how far it is; ends when the switch is no longer this process's."""
        while True:
            with contextlib.suppress(DatabaseError):
                if not await self._database.run(partial(self._advance, switch)):
                    return
            await asyncio.sleep(BEAT_SECONDS)

    def _advance(self, switch: Switch, records: Records) -> bool:
        return records.switches.advance(switch.id, self._owner, self._step, self._done, self._total)

    async def _work(self, switch: Switch) -> None:
        await self._load(switch.target)
        await self._embed_all(switch.target)
        self._step = SwitchStep.REHEARSING
        rehearsal = await self._rehearse(switch)
        reason = objection(rehearsal)
        if reason and not switch.forced:
            await self._fail(switch, f"{reason} Nothing was switched.", rehearsal)
            return
        self._step = SwitchStep.GATHERING
        lacking, up = await self._gather(switch)
        if lacking and not switch.forced:
            logs = "its log says" if lacking == 1 else "their logs say"
            reason = f"{lacking} of {counted(up, 'server')} did not load {switch.target}; {logs} why."
            await self._fail(switch, f"{reason} Nothing was switched.", rehearsal)
            return
        if lacking:
            logger.warning("%d of %d servers did not load %s", lacking, up, switch.target)
        await self._flip(switch, rehearsal)

    async def _load(self, model: str) -> None:
        patient_until = time.monotonic() + self._patience
        while True:
            try:
                await self._files.ensure(model)
            except RunnerAway as error:
                if time.monotonic() > patient_until:
                    raise
                logger.info("Loading must wait: %s", error.message)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    async def _embed_all(self, model: str) -> None:
        self._step = SwitchStep.EMBEDDING
        counts = self._gallery.counts()
        self._total = max(counts.values(), default=0)
        start = self._done = counts.get(model, 0)
        patient_until = time.monotonic() + self._patience

        async def told(tried: int) -> None:
            nonlocal patient_until
            self._done = min(start + tried, self._total)
            patient_until = time.monotonic() + self._patience

        while True:
            try:
                if not await self._embed.all(model, told):
                    return
            except (DatabaseError, ModelNotLoaded, Overloaded) as error:
                if time.monotonic() > patient_until:
                    raise
                logger.info("Embedding must wait: %s", error.message)
                await asyncio.sleep(_RETRY_SECONDS)
            start = self._done

    async def _rehearse(self, switch: Switch) -> Rehearsal:
        left, _ = await self._database.run(
            lambda records: records.faces.left(switch.target, limit=None, offset=0)
        )
        unread = unread_among(left)
        await self._gallery.refresh()
        version, key = self._gallery.version(), (switch.source, switch.target)
        former = self._rehearsed.get(key)
        # As long as no face has changed it would come to the same.
        if former is None or former[0]() is not version or former[1] != unread:
            found = await self._pace.in_thread(
                partial(rehearse, self._gallery, switch.source, switch.target, unread=unread)
            )
            former = self._rehearsed[key] = (weakref.ref(version), unread, found)
        return former[2]

    async def _gather(self, switch: Switch) -> tuple[int, int]:
        """Wait until every server that is up can answer with the model, which it may have to download first.

        Returns how many cannot in the end, and how many are up.
        """
        limit = min(FORCED_SECONDS, self._patience) if switch.forced else self._patience
        until = time.monotonic() + limit
        while True:
            servers = await self._database.run(lambda records: records.servers.up(within_seconds=UP_SECONDS))
            lacking = sum(switch.target not in server.models for server in servers)
            if not lacking or time.monotonic() > until:
                return lacking, len(servers)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _flip(self, switch: Switch, rehearsal: Rehearsal) -> None:
        def turn(records: Records) -> None:
            records.changes.lock()
            # It says whether the switch is still to be made, and by this process.
            if not self._advance(switch, records):
                raise _Over
            records.switches.end(switch.id, SwitchState.DONE, rehearsal=rehearsal)
            flip(records, switch.source, switch.target)
            audit_end(records, switch, SwitchState.DONE)

        await self._database.run(turn)
        await self._gallery.refresh()
        logger.info("Model %s answers", switch.target)


def _error_of(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()
