"""Change the model that answers, for all servers of a database, without losing anybody."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from rollcall.core.audit import Action
from rollcall.core.counted import counted
from rollcall.core.database_ports import Database, Records
from rollcall.core.errors import (
    InternalError,
    ModelConflict,
    ModelNotFound,
    ModelNotLoaded,
    ModelUnusable,
    RunnerAway,
)
from rollcall.core.models import LeftFace, Switch, SwitchKind, SwitchState
from rollcall.core.ports import Gallery, ModelFiles
from rollcall.workflows.announce import UP_SECONDS

logger = logging.getLogger("rollcall.models")

# A switch between two loaded models that every face has is over by then, and is answered as done.
ANSWER_SECONDS: Final = 0.5
_LOOK_SECONDS: Final = 0.01
PRUNE_FACES: Final = 500


class SwitchModels:
    """What can be asked for; workflows.carry_out_switch does what takes long."""

    def __init__(
        self,
        *,
        database: Database,
        gallery: Gallery,
        files: ModelFiles,
        configured: str,
        kept: tuple[str, ...],
        is_known: Callable[[str], Awaitable[bool]],
        is_present: Callable[[str], Awaitable[bool]],
    ) -> None:
        """`configured` is the environment's model; `kept` are models whose embeddings are never pruned.

        `is_known`: whether there is such a model at all; `is_present`: whether it need not be downloaded.
        """
        self._database = database
        self._gallery = gallery
        self._files = files
        self._configured = configured
        self._kept = kept
        self._is_known = is_known
        self._is_present = is_present
        self.begun = asyncio.Event()  # so that nobody waits for the next look into the database

    async def begin(self, target: str, *, force: bool = False, check: bool = True) -> Switch:
        """Begin to switch; it is mostly still running when this returns.

        `force`: whatever the rehearsal says. `check`: load the model first where it is present, so that a
        broken one is refused at once.

        Raises:
            ModelNotFound, ModelUnusable: it cannot be had.
            ModelConflict: it answers already, or another switch is under way.
        """
        if not await self._is_known(target):
            raise ModelNotFound(f"There is no model {target}.", model=target)
        if check and await self._is_present(target):
            await self._require_usable(target)

        def add(records: Records) -> int:
            records.changes.lock()
            source = self._wanted(records)
            if source == target:
                raise ModelConflict(f"{target} answers already.")
            if (running := _running(records)) is not None:
                raise ModelConflict(f"A switch to {running.target} is under way.", target=running.target)
            records.settings.put("next_model", target)
            switch = records.switches.add(SwitchKind.SWITCH, source, target, forced=force)
            records.audit.add(Action.SWITCH_BEGUN, switch=switch, source=source, target=target, forced=force)
            return switch

        id = await self._database.run(add)
        await self._gallery.refresh()
        self.begun.set()
        return await self._after_a_moment(id)

    async def rollback(self, *, check: bool = True) -> Switch:
        """Go back to the model before, at once; a switch under way is cancelled.

        `check`: load it first, so that one whose files are gone is refused.

        Raises:
            ModelConflict: there is none.
            ModelUnusable: it cannot be loaded any more.
        """
        previous = await self._database.run(lambda records: records.settings.all().previous_model)
        if previous is None:
            raise ModelConflict("There is no model to go back to.")
        if check:
            # Who goes back at once does not wait for a download.
            if not await self._is_present(previous):
                raise ModelUnusable(f"{previous} is not in the model folder any more.", model=previous)
            await self._require_usable(previous)

        def flip_back(records: Records) -> Switch | None:
            records.changes.lock()
            source = self._wanted(records)
            if records.settings.all().previous_model != previous:
                raise ModelConflict("Another switch was made meanwhile.")
            _cancel(records)
            id = records.switches.add(SwitchKind.ROLLBACK, source, previous)
            flip(records, source, previous)
            records.switches.end(id, SwitchState.DONE)
            records.audit.add(Action.ROLLED_BACK, switch=id, source=source, target=previous)
            return records.switches.of(id)

        switch = await self._database.run(flip_back)
        await self._gallery.refresh()
        logger.info("Model %s answers again", previous)
        return _there(switch)

    async def cancel(self) -> Switch:
        """Break off the switch under way; what was embedded is kept.

        Raises:
            ModelConflict: there is none.
        """

        def cancel(records: Records) -> Switch | None:
            records.changes.lock()
            cancelled = _cancel(records)
            return None if cancelled is None else records.switches.of(cancelled.id)

        cancelled = await self._database.run(cancel)
        # Not within the transaction, which may have cleared away what was left of one.
        if cancelled is None:
            raise ModelConflict("No switch is under way.")
        return cancelled

    async def prune(self) -> int:
        """Delete the embeddings that only the way back needs; returns how many faces had some.

        Faces without an embedding by the model that answers keep theirs.

        Raises:
            ModelConflict: a switch is under way or begins, or a server does not have the model that is to
            answer.
            ModelUnusable: no server is up, and that model cannot be loaded.
        """

        if not await self._database.run(lambda records: records.servers.up(within_seconds=UP_SECONDS)):
            # No server says that it can answer with it.
            await self._require_usable(await self._database.run(self._wanted))
        wanted = await self._database.run(self._give_up_the_way_back)
        keep = tuple(dict.fromkeys((wanted, *self._kept)))

        def prune_some(records: Records) -> int:
            records.changes.lock()
            if records.switches.running() is not None or self._wanted(records) != wanted:
                raise ModelConflict("The models were changed meanwhile; not all is pruned.")
            if count := records.faces.prune(keep, PRUNE_FACES):
                records.audit.add(Action.PRUNED, kept_model=wanted, faces=count)
            return count

        pruned = 0
        while count := await self._database.run(prune_some):
            pruned += count
        await self._gallery.refresh()
        return pruned

    def _give_up_the_way_back(self, records: Records) -> str:
        """From here on nothing but the wanted model needs to answer; returns its name."""
        records.changes.lock()
        if _running(records) is not None:
            raise ModelConflict("A switch is under way.")
        wanted = self._wanted(records)
        servers = records.servers.up(within_seconds=UP_SECONDS)
        if lacking := sum(wanted not in server.models for server in servers):
            # By the former model's embeddings they recognise people now.
            behind = counted(lacking, "server has", "servers have")
            raise ModelConflict(f"{behind} not loaded {wanted}: what would be pruned is needed there.")
        if records.settings.remove("previous_model"):
            records.audit.add(Action.PRUNED, kept_model=wanted, way_back=False)
        return wanted

    async def latest(self) -> Switch | None:
        """The switch that was begun last."""
        return await self._database.run(lambda records: records.switches.latest())

    async def left(self, *, limit: int | None, offset: int) -> tuple[list[LeftFace], int]:
        """A page of the faces without an embedding by the model that answers, and how many there are."""

        def read(records: Records) -> tuple[list[LeftFace], int]:
            faces, total = records.faces.left(self._wanted(records), limit=limit, offset=offset)
            return list(faces), total

        return await self._database.run(read)

    async def of(self, id: int) -> Switch:
        """A switch as it stands."""
        return _there(await self._database.run(lambda records: records.switches.of(id)))

    async def _require_usable(self, name: str) -> None:
        try:
            await self._files.ensure(name)
        except RunnerAway:
            raise  # which says nothing about the model
        except ModelNotLoaded as error:
            raise ModelUnusable(error.message, model=name) from None

    def _wanted(self, records: Records) -> str:
        """The model that is to answer: before the first switch, by the word of the servers that are up."""
        stored = records.settings.all().insightface_model
        if stored is not None:
            return stored
        servers = records.servers.up(within_seconds=UP_SECONDS)
        return servers[0].wanted if servers else self._configured

    async def _after_a_moment(self, id: int) -> Switch:
        """As it stands once it is over, or after a short while."""
        until = time.monotonic() + ANSWER_SECONDS
        while True:
            switch = await self.of(id)
            if not switch.running or time.monotonic() > until:
                return switch
            await asyncio.sleep(_LOOK_SECONDS)


def flip(records: Records, source: str | None, target: str) -> None:
    """Let another model answer, from this transaction's commit on, on every server."""
    records.settings.put("insightface_model", target)
    if source is not None:
        records.settings.put("previous_model", source)
    records.settings.remove("next_model")


def audit_end(records: Records, switch: Switch, state: SwitchState) -> None:
    """Note in this transaction how a switch ended by itself."""
    records.audit.add(Action.SWITCH_ENDED, switch=switch.id, target=switch.target, state=state.value)


def _running(records: Records) -> Switch | None:
    """The switch under way. One of which the settings do not know, as after a restored backup, is ended."""
    running = records.switches.running()
    if running is not None and records.settings.all().next_model != running.target:
        records.switches.end(running.id, SwitchState.CANCELLED)
        audit_end(records, running, SwitchState.CANCELLED)
        return None
    return running


def _cancel(records: Records) -> Switch | None:
    running = records.switches.running()
    if running is not None:
        records.switches.end(running.id, SwitchState.CANCELLED)
        records.audit.add(Action.SWITCH_CANCELLED, switch=running.id, target=running.target)
    if records.settings.all().next_model is not None:
        records.settings.remove("next_model")
    return running


def _there(switch: Switch | None) -> Switch:
    if switch is None:
        raise InternalError("The switch is no longer in the database.")
    return switch
