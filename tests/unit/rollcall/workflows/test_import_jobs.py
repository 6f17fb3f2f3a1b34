"""Imports that are asked for: taken over as a whole, or not at all."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import pytest

from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.core.database_ports import Records
from rollcall.core.errors import DatabaseError
from rollcall.core.jobs import JobState
from rollcall.core.people import PersonType
from rollcall.importing.report import CsvReport
from rollcall.importing.uploads import FolderUploads
from rollcall.workflows.import_jobs import ImportJobs, ImportWish
from tests.imports import zip_of

T = TypeVar("T")


class LosingAnswers:
    """core.database_ports.Database whose first transaction is committed, and nobody hears of it."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        self._times = 0
        self.kind = database.kind
        self.ping = database.ping
        self.close = database.close

    async def run(self, work: Callable[[Records], T]) -> T:
        found = await self._database.run(work)
        self._times += 1
        if self._times == 1:
            raise DatabaseError("The database did not answer in time.")
        return found

    def run_sync(self, work: Callable[[Records], T], limit: float | None = None) -> T:
        return self._database.run_sync(work, limit)

    def transaction(self) -> AbstractContextManager[Records]:
        return self._database.transaction()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqlDatabase]:
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
    migrate(database)
    yield database
    database.close()


def test_an_import_whose_begin_was_answered_to_nobody_does_not_wait_for_ever(
    database: SqlDatabase, tmp_path: Path
) -> None:
    uploads = FolderUploads(tmp_path / "imports", 2**20, reserve_bytes=0)
    jobs = ImportJobs(uploads=uploads, database=LosingAnswers(database), report=CsvReport())
    upload = uploads.begin(None)
    upload.write("photos", zip_of({"S001.jpg": b"a photo"}))
    with pytest.raises(DatabaseError):
        asyncio.run(jobs.begin(upload, ImportWish(person_type=PersonType.STUDENT)))
    [job] = database.run_sync(lambda records: records.jobs.newest(10))
    assert (job.state, job.problem) == (JobState.FAILED, "The import was not taken over. Send it again.")
    assert uploads.ids() == []
