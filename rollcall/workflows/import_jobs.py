"""Imports that a server does in the background: ask for one, look at it, cancel it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from rollcall.core.audit import Action
from rollcall.core.callers import caller
from rollcall.core.database_ports import Database, Records
from rollcall.core.errors import DatabaseError, NotFound
from rollcall.core.imports import ImportedRow, ImportMode
from rollcall.core.jobs import LISTED_JOBS, LISTED_ROWS, Job, JobState, NewJob, Report, Upload, Uploads
from rollcall.core.people import PersonType

_NOT_TAKEN: Final = "The import was not taken over. Send it again."
_PAGE: Final = 1000  # rows of a report that are read at once


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportWish:
    """What somebody wants done with an upload."""

    person_type: PersonType
    mode: ImportMode = ImportMode.REJECT
    dry_run: bool = False


class ImportJobs:
    """All servers of a database see all jobs; the one that has the upload carries it out."""

    def __init__(self, *, uploads: Uploads, database: Database, report: Report) -> None:
        self.uploads = uploads
        self.begun = asyncio.Event()
        self._database = database
        self._report = report

    async def begin(self, upload: Upload, wish: ImportWish) -> Job:
        """Take over an upload that is complete; it is discarded where that fails.

        Raises:
            InvalidRequest: the list or the zip cannot be used; the message says why.
            StorageFull, DatabaseError: nothing is left of it.
        """
        try:
            total = await asyncio.to_thread(self._count, upload)
            new = NewJob(
                id=upload.id,
                person_type=wish.person_type,
                mode=wish.mode,
                dry_run=wish.dry_run,
                total=total,
                caller=caller.get(),
            )
            job = await self._add(new)
        except BaseException:
            await asyncio.to_thread(upload.discard)
            raise
        self.begun.set()
        return job

    async def newest(self) -> Sequence[Job]:
        """The newest first, LISTED_JOBS at most."""
        return await self._database.run(lambda records: records.jobs.newest(LISTED_JOBS))

    async def of(self, id: str) -> Job:
        """Raises NotFound."""
        return await self._database.run(partial(_require, id))

    async def look(self, id: str) -> tuple[Job, Sequence[ImportedRow]]:
        """A job, and the first of its rows that are not plainly enrolled. Raises NotFound."""

        def read(records: Records) -> tuple[Job, Sequence[ImportedRow]]:
            rows = records.jobs.rows(id, after=0, limit=LISTED_ROWS, notable=True)
            return _require(id, records), [row for _, row in rows]

        return await self._database.run(read)

    async def cancel(self, id: str) -> tuple[Job, bool]:
        """End it, and whether it had not ended already. What is enrolled stays. Raises NotFound."""

        def end(records: Records) -> tuple[Job, Job, bool]:
            before = _require(id, records)
            ended = records.jobs.end(id, JobState.CANCELLED)
            if ended and not before.dry_run:
                records.audit.add(
                    Action.IMPORT_CANCELLED,
                    person_type=before.person_type.value,
                    rows=before.total,
                    done=before.counts.done,
                )
            return before, _require(id, records), ended

        before, job, ended = await self._database.run(end)
        # Whoever works on it notices, and removes the upload; one that waits nobody would look at for long.
        if before.state is JobState.WAITING:
            await asyncio.to_thread(self.uploads.remove, id)
        return job, ended

    async def report(self, id: str) -> AsyncIterator[bytes]:
        """The report as far as it is, page by page. Raises NotFound, when the first is asked for."""
        await self.of(id)
        yield self._report.head()
        after = 0
        while found := await self._database.run(partial(_page, id, after)):
            yield self._report.lines([row for _, row in found])
            after = found[-1][0]

    async def _add(self, new: NewJob) -> Job:
        try:
            return await self._database.run(partial(_add, new))
        except BaseException:
            # It may be there all the same, if only the answer was lost.
            with suppress(DatabaseError):
                await self._database.run(
                    lambda records: records.jobs.end(new.id, JobState.FAILED, _NOT_TAKEN)
                )
            raise

    def _count(self, upload: Upload) -> int:
        """How many rows there are; reads the whole list, and no photo."""
        upload.keep()
        return sum(person.rows for person in self.uploads.open(upload.id).people())


def _add(new: NewJob, records: Records) -> Job:
    records.jobs.add(new)
    if not new.dry_run:
        records.audit.add(
            Action.IMPORT_BEGUN, person_type=new.person_type.value, mode=new.mode.value, rows=new.total
        )
    return _require(new.id, records)


def _page(id: str, after: int, records: Records) -> Sequence[tuple[int, ImportedRow]]:
    return records.jobs.rows(id, after=after, limit=_PAGE)


def _require(id: str, records: Records) -> Job:
    job = records.jobs.of(id)
    if job is None:
        raise NotFound("There is no job of this id.")
    return job
