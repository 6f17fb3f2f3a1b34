"""Jobs of servers: one owner each, and every row counted once."""

from typing import Any

import pytest

from db.engine import SqlDatabase
from db.erasing import SqlEraser
from rollcall.core.callers import Caller
from rollcall.core.erasure import Erasure
from rollcall.core.imports import ImportedRow, ImportMode, RowOutcome, Trouble
from rollcall.core.jobs import JobCounts, JobState, NewJob
from rollcall.core.people import PersonType
from tests.backups import run
from tests.db.rows import read, student

ID, SECOND = "1" * 32, "2" * 32
STALE = 15


def begin(database: SqlDatabase, id: str = ID, **changed: Any) -> None:
    values: dict[str, Any] = {
        "person_type": PersonType.STUDENT,
        "mode": ImportMode.ADD,
        "dry_run": False,
        "total": 5,
        "caller": Caller(name="console", address="10.0.0.1", request_id="r1"),
    }
    new = NewJob(id=id, **{**values, **changed})
    database.run_sync(lambda records: records.jobs.add(new))


def row(code: str, outcome: RowOutcome = RowOutcome.ENROLLED, **changed: Any) -> ImportedRow:
    values: dict[str, Any] = {"line": 2, "code": code, "name": f"Name of {code}", "photo": f"{code}.jpg"}
    return ImportedRow(outcome=outcome, **{**values, **changed})


FAILED = row("S2", RowOutcome.FAILED, trouble=Trouble(code="X", reason="Why.", what_to_do="Do."))
WARNED = row(
    "S3", trouble=Trouble(code="SAME_FACE_AS", reason="W.", what_to_do="D."), same_face_as="student S1"
)


def record(database: SqlDatabase, first: int, *rows: ImportedRow, owner: str = "a") -> bool:
    return database.run_sync(lambda records: records.jobs.record(ID, owner, first, rows))


def claim(database: SqlDatabase, owner: str = "a", id: str = ID) -> bool:
    return database.run_sync(lambda r: r.jobs.claim(id, owner, stale_seconds=STALE)) is not None


def counts(database: SqlDatabase) -> JobCounts:
    job = database.run_sync(lambda records: records.jobs.of(ID))
    assert job is not None
    return job.counts


def test_a_job_waits_until_a_server_takes_it(database: SqlDatabase) -> None:
    begin(database)
    begin(database, SECOND, dry_run=True)
    with database.transaction() as records:
        assert [job.id for job in records.jobs.newest(10)] == [SECOND, ID]
        assert records.jobs.unclaimed(stale_seconds=STALE) == [ID, SECOND]
        job = records.jobs.of(ID)
    assert job is not None
    assert (job.state, job.mode, job.total, job.begun) == (JobState.WAITING, ImportMode.ADD, 5, None)
    assert job.caller == Caller(name="console", address="10.0.0.1", request_id="r1")
    assert claim(database)
    assert not claim(database, "b")
    with database.transaction() as records:
        assert records.jobs.unclaimed(stale_seconds=STALE) == [SECOND]
        assert records.jobs.of("3" * 32) is None


def test_a_server_that_was_not_seen_for_a_while_loses_its_job(database: SqlDatabase) -> None:
    begin(database)
    claim(database)
    run(database, "UPDATE RollcallJobs SET Seen = Seen - 60")
    assert claim(database, "b")
    assert not record(database, 1, row("S1"), owner="a")
    assert record(database, 1, row("S1"), owner="b")


def test_a_server_that_stops_leaves_its_job_to_others_at_once(database: SqlDatabase) -> None:
    begin(database)
    claim(database)
    record(database, 1, row("S1"))
    database.run_sync(lambda records: records.jobs.release(ID, "a"))
    assert claim(database, "b")
    assert counts(database).done == 1


def test_rows_are_counted_by_what_became_of_them(database: SqlDatabase) -> None:
    begin(database)
    claim(database)
    assert record(database, 1, row("S1"), FAILED, WARNED)
    assert record(database, 4, row("S4", RowOutcome.SKIPPED), row("S4", RowOutcome.DUPLICATE))
    assert counts(database) == JobCounts(enrolled=2, skipped=1, failed=2, warnings=1)
    with database.transaction() as records:
        every = records.jobs.rows(ID, after=0, limit=10)
        assert [number for number, _ in every] == [1, 2, 3, 4, 5]
        assert every[1][1] == FAILED
        assert every[2][1] == WARNED
        notable = records.jobs.rows(ID, after=0, limit=3, notable=True)
        # What failed first, then warnings, then what was skipped.
        assert [number for number, _ in notable] == [2, 5, 3]
        assert [number for number, _ in records.jobs.rows(ID, after=3, limit=10)] == [4, 5]


def test_rows_whose_commit_was_answered_to_nobody_are_not_counted_twice(database: SqlDatabase) -> None:
    begin(database)
    claim(database)
    for _ in range(2):
        assert record(database, 1, row("S1"), FAILED)
    assert counts(database).done == 2


def test_a_cancelled_job_takes_no_more_rows(database: SqlDatabase) -> None:
    begin(database)
    claim(database)
    assert database.run_sync(lambda records: records.jobs.end(ID, JobState.CANCELLED))
    assert not record(database, 1, row("S1"))
    assert not database.run_sync(lambda records: records.jobs.advance(ID, "a", 1.0))
    assert not database.run_sync(lambda records: records.jobs.end(ID, JobState.DONE))
    assert not claim(database)
    job = database.run_sync(lambda records: records.jobs.of(ID))
    assert job is not None
    assert job.state is JobState.CANCELLED
    assert job.ended is not None


def test_how_long_it_takes_follows_from_the_rate(database: SqlDatabase) -> None:
    begin(database, total=100)
    claim(database)
    record(database, 1, row("S1"))
    assert database.run_sync(lambda records: records.jobs.advance(ID, "a", 9.0))
    job = database.run_sync(lambda records: records.jobs.of(ID))
    assert job is not None
    assert (job.rows_per_second, job.seconds_left) == (9.0, 11)


def test_old_jobs_go_with_their_rows(database: SqlDatabase) -> None:
    for id in (ID, SECOND):
        begin(database, id)
    claim(database)
    record(database, 1, row("S1"))
    database.run_sync(lambda records: records.jobs.end(ID, JobState.DONE))
    assert database.run_sync(lambda records: records.jobs.forget_old(30)) == 0
    run(database, "UPDATE RollcallJobs SET Ended = Ended - 31 * 86400 WHERE Ended IS NOT NULL")
    assert database.run_sync(lambda records: records.jobs.forget_old(30)) == 1
    assert read(database, "SELECT JobId FROM RollcallJobs") == [(SECOND,)]
    assert read(database, "SELECT COUNT(*) FROM RollcallJobRows") == [(0,)]


def test_a_job_whose_upload_nobody_has_fails_after_a_day(database: SqlDatabase) -> None:
    for id in (ID, SECOND):
        begin(database, id)
    run(database, "UPDATE RollcallJobs SET Seen = Seen - 90000")
    database.run_sync(lambda records: records.jobs.note_waiting([SECOND]))
    assert database.run_sync(lambda records: records.jobs.fail_lost(86400, "Lost.")) == 1
    job = database.run_sync(lambda records: records.jobs.of(ID))
    assert job is not None
    assert (job.state, job.problem) == (JobState.FAILED, "Lost.")
    assert database.run_sync(lambda records: records.jobs.open()) == [SECOND]


def test_a_persons_rows_go_when_the_person_is_erased(database: SqlDatabase) -> None:
    begin(database)
    claim(database)
    record(database, 1, row("S1"), row("s1 "), WARNED, row("S4"), row("S11"))
    SqlEraser(database).erase(Erasure(person=student("S1")))
    assert read(database, "SELECT PersonCode FROM RollcallJobRows ORDER BY Number") == [("S4",), ("S11",)]
    assert record(database, 6, row("S6"))
    assert counts(database).done == 6


@pytest.mark.parametrize("length", [50, 500])
def test_whatever_a_list_holds_fits(database: SqlDatabase, length: int) -> None:
    begin(database)
    claim(database)
    word = "ß" * length
    assert record(database, 1, row(word, name=word, photo=word, line=None))
    [(_, found)] = database.run_sync(lambda records: records.jobs.rows(ID, after=0, limit=1))
    assert found.line is None
    assert word.startswith(found.code)
