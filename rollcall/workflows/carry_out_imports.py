"""Carry out the imports that wait, one at a time, as long as this server has their uploads."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Final

from rollcall.core.callers import caller
from rollcall.core.database_ports import Database, Records
from rollcall.core.errors import DatabaseError, RollcallError
from rollcall.core.imports import ImportedRow, ImportOrder
from rollcall.core.jobs import JOBS_KEPT_DAYS, Job, JobState, Uploads
from rollcall.workflows.bulk_import import BulkImport

logger = logging.getLogger("rollcall.imports")

# A server that does not write for so long is gone, and another that has the upload goes on.
STALE_SECONDS: Final = 15
BEAT_SECONDS: Final = 1.0
# Over so long the rate is taken.
RATE_SECONDS: Final = 30.0
# An upload that no server has had for so long is lost.
LOST_SECONDS: Final = 24 * 3600
_LOST: Final = "The upload is lost, so the import cannot go on. Send it again: what is enrolled stays."
_GO_ON: Final = "Send it again: what is enrolled stays, and the rest is done."


class _Over(Exception):
    """The job was cancelled, or another server has taken it over."""


class CarryOutImports:
    """`owner` is this process's name among the servers."""

    def __init__(self, *, uploads: Uploads, database: Database, bulk_import: BulkImport, owner: str) -> None:
        self._uploads = uploads
        self._database = database
        self._import = bulk_import
        self._owner = owner
        self._rate = _Rate()
        self.running = False

    async def round(self) -> bool:
        """Carry one out to its end; False if there is none for this process.

        Raises:
            DatabaseError: try again later.
        """
        here = await asyncio.to_thread(self._uploads.ids)
        if not here:
            return False
        await self._remove_ended(here)
        job = await self._database.run(partial(self._claim, frozenset(here)))
        if job is None:
            return False
        self.running, self._rate = True, _Rate()
        try:
            await self._carry_out(job)
        finally:
            self.running = False
        return True

    async def tidy(self) -> None:
        """Forget old jobs, and uploads that nobody needs. Raises DatabaseError."""
        here = await asyncio.to_thread(self._uploads.ids)

        def tidy(records: Records) -> Sequence[str]:
            records.jobs.forget_old(JOBS_KEPT_DAYS)
            records.jobs.note_waiting(here)
            records.jobs.fail_lost(LOST_SECONDS, _LOST)
            return records.jobs.open()

        await asyncio.to_thread(self._uploads.sweep, await self._database.run(tidy))

    async def _remove_ended(self, here: Sequence[str]) -> None:
        def ended(records: Records) -> Sequence[str]:
            jobs = (records.jobs.of(id) for id in here)
            return [job.id for job in jobs if job is not None and job.state.ended]

        for id in await self._database.run(ended):
            await asyncio.to_thread(self._uploads.remove, id)

    def _claim(self, here: frozenset[str], records: Records) -> Job | None:
        for id in records.jobs.unclaimed(stale_seconds=STALE_SECONDS):
            if id in here:
                job = records.jobs.claim(id, self._owner, stale_seconds=STALE_SECONDS)
                if job is not None:
                    return job
        return None

    async def _carry_out(self, job: Job) -> None:
        logger.info("Import %s begins at row %d of %d", job.id, job.counts.done + 1, job.total)
        work = asyncio.create_task(self._work(job))
        beat = asyncio.create_task(self._beat(job))
        try:
            await asyncio.wait((work, beat), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await _stopped(work, beat)
            # This server stops; another one, or this one after its start, goes on at once.
            with contextlib.suppress(DatabaseError):
                await asyncio.shield(
                    self._database.run(lambda records: records.jobs.release(job.id, self._owner))
                )
            raise
        await _stopped(work, beat)
        await self._conclude(job, _error_of(work) or _error_of(beat))

    async def _work(self, job: Job) -> None:
        # Who asked for it, for the audit.
        caller.set(job.caller)
        photos = await asyncio.to_thread(self._uploads.open, job.id)
        order = ImportOrder(
            photos=photos,
            person_type=job.person_type,
            mode=job.mode,
            dry_run=job.dry_run,
            begin_at=job.counts.done,
        )
        async with contextlib.aclosing(self._import.run(order, partial(self._record, job))) as done:
            async for rows in done:
                self._rate.add(len(rows))
        await self._end(job, JobState.DONE)

    def _record(self, job: Job, records: Records, first: int, rows: Sequence[ImportedRow]) -> None:
        if not records.jobs.record(job.id, self._owner, first, rows):
            raise _Over

    async def _beat(self, job: Job) -> None:
        """Tell how fast it is; ends when the job is no longer this process's."""
        while True:
            with contextlib.suppress(DatabaseError):
                if not await self._database.run(partial(self._advance, job)):
                    return
            await asyncio.sleep(BEAT_SECONDS)

    def _advance(self, job: Job, records: Records) -> bool:
        return records.jobs.advance(job.id, self._owner, self._rate.per_second)

    async def _conclude(self, job: Job, error: BaseException | None) -> None:
        if isinstance(error, DatabaseError):
            raise error  # what is stored stays, and a later round goes on from there
        if isinstance(error, RollcallError):
            logger.warning("Import %s failed: %s", job.id, error.message)
            await self._end(job, JobState.FAILED, f"{error.message} {_GO_ON}")
        elif error is not None and not isinstance(error, _Over):
            logger.error("Import %s failed: %s", job.id, type(error).__name__, exc_info=error)
            problem = "The server made a mistake; its log says more."
            await self._end(job, JobState.FAILED, f"{problem} {_GO_ON}")
        await self._remove_ended([job.id])

    async def _end(self, job: Job, state: JobState, problem: str | None = None) -> None:
        overall = self._rate.overall

        def end(records: Records) -> None:
            # Another server that has taken it over meanwhile may fare better.
            if records.jobs.advance(job.id, self._owner, overall):
                records.jobs.end(job.id, state, problem)

        await self._database.run(end)


class _Rate:
    """Rows a second, of late and overall."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._total = 0
        self._marks = deque([(self._began, 0)])

    def add(self, rows: int) -> None:
        now = time.monotonic()
        self._total += rows
        self._marks.append((now, self._total))
        while len(self._marks) > 2 and now - self._marks[1][0] > RATE_SECONDS:
            self._marks.popleft()

    @property
    def per_second(self) -> float | None:
        """Of the last RATE_SECONDS, or since the last rows came; None before any came."""
        since, total = self._marks[0]
        seconds = time.monotonic() - since
        return (self._total - total) / seconds if self._total and seconds > 0 else None

    @property
    def overall(self) -> float | None:
        seconds = time.monotonic() - self._began
        return self._total / seconds if self._total and seconds > 0 else None


async def _stopped(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _error_of(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()
