"""RollcallComparisons."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert

from db import tables
from db.comparisons import WINDOW
from db.engine import SqlDatabase
from db.erasing import SqlEraser
from rollcall.core.comparisons import Comparison, Outcome
from rollcall.core.erasure import Erasure
from rollcall.core.people import PersonKey
from rollcall.core.records import RecognitionAttempt
from rollcall.workflows.erase import Erase
from rollcall.workflows.retain_logs import RetainLogs
from tests.db.rows import put, read, student, teacher

ADA, BOB = student("ÉTÉ-1"), teacher("T2")
ANSWER = Outcome(model="old", person=ADA, similarity=0.8123456789, accepted=True, milliseconds=12.25)
SHADOW = Outcome(model="new", person=BOB, similarity=-0.25, accepted=False, milliseconds=0.5)
NO_ANSWER = replace(ANSWER, person=None, similarity=None, accepted=False)
NO_SHADOW = replace(SHADOW, person=None, similarity=None, accepted=False)


def add(database: SqlDatabase, *comparisons: Comparison) -> None:
    for comparison in comparisons:
        with database.transaction() as records:
            records.comparisons.add(comparison)


def between(database: SqlDatabase, one: str = "old", other: str = "new") -> list[Comparison]:
    with database.transaction() as records:
        return list(records.comparisons.between(one, other))


def test_a_comparison_is_read_as_it_was_stored(database: SqlDatabase) -> None:
    stored = [
        Comparison(answer=ANSWER, shadow=SHADOW),
        Comparison(answer=NO_ANSWER, shadow=SHADOW),
        Comparison(answer=ANSWER, shadow=NO_SHADOW),
    ]
    add(database, *stored)
    found = between(database)
    assert found == stored
    assert found[0].answer.person is not None
    assert found[0].answer.person.code == "ÉTÉ-1"


def test_only_the_two_models_are_read_whichever_answered(database: SqlDatabase) -> None:
    there = Comparison(answer=ANSWER, shadow=SHADOW)
    back = Comparison(answer=SHADOW, shadow=ANSWER)
    other = Comparison(answer=ANSWER, shadow=replace(SHADOW, model="third"))
    capitals = Comparison(answer=ANSWER, shadow=replace(SHADOW, model="NEW"))
    add(database, there, other, back, capitals)
    assert between(database) == [there, back]
    assert between(database, "new", "old") == [there, back]
    assert between(database, "new", "third") == []
    with database.transaction() as records:
        assert records.comparisons.models() == {"old", "new", "third", "NEW"}


def test_more_rows_than_are_read_at_once_are_all_read(database: SqlDatabase) -> None:
    row = {
        "Model": "old",
        "Accepted": 0,
        "Milliseconds": 1,
        "Shadow": "new",
        "ShadowAccepted": 1,
        "ShadowMilliseconds": 2,
    }
    with database.connection() as connection:
        connection.execute(
            insert(tables.comparisons), [{**row, "Similarity": n / 8} for n in range(2 * WINDOW + 1)]
        )
    assert [found.answer.similarity for found in between(database)] == [n / 8 for n in range(2 * WINDOW + 1)]


@pytest.mark.parametrize("answered", [True, False])
def test_comparisons_are_erased_with_a_person_who_is_in_them(database: SqlDatabase, answered: bool) -> None:
    kept = Comparison(answer=replace(ANSWER, person=student("T2")), shadow=NO_SHADOW)
    gone = Comparison(answer=SHADOW, shadow=ANSWER) if answered else Comparison(answer=ANSWER, shadow=SHADOW)
    add(database, kept, gone)
    receipt = Erase(eraser=SqlEraser(database)).run(Erasure(person=PersonKey(type=BOB.type, code="t2")))
    assert '"RollcallComparisons": 1' in receipt.to_json()
    assert between(database) == [kept]


def test_a_persons_own_two_models_are_erased_once(database: SqlDatabase) -> None:
    nobody = Comparison(answer=NO_ANSWER, shadow=NO_SHADOW)
    add(database, Comparison(answer=ANSWER, shadow=replace(SHADOW, person=ADA)), nobody)
    Erase(eraser=SqlEraser(database)).run(Erasure(person=student("été-1")))
    assert between(database) == [nobody]


def aged(database: SqlDatabase, days: float) -> int:
    """Add a comparison of so many days ago."""
    with database.connection() as connection:
        [now] = connection.exec_driver_sql("SELECT CURRENT_TIMESTAMP").one()
    now = now if isinstance(now, datetime) else datetime.fromisoformat(now)
    row = {
        "Model": "old",
        "Accepted": 0,
        "Milliseconds": 1,
        "Shadow": "new",
        "ShadowAccepted": 0,
        "ShadowMilliseconds": 2,
        "CreatedDate": now - timedelta(days=days),
    }
    return put(database, tables.comparisons, row)[0]


def test_comparisons_older_than_the_retention_of_the_log_are_deleted(database: SqlDatabase) -> None:
    aged(database, 31)
    kept = aged(database, 29)
    with database.transaction() as records:
        records.log.add([RecognitionAttempt(person=None, confidence=0, processing_time_ms=1)])
    retain = RetainLogs(database=database, days=None)
    assert asyncio.run(retain.round()) == 0
    retain = RetainLogs(database=database, days=30)
    assert asyncio.run(retain.round()) == 1
    assert read(database, "SELECT Id FROM RollcallComparisons") == [(kept,)]
    assert read(database, "SELECT COUNT(*) FROM FaceRecognitionLogs") == [(1,)]


def test_a_new_comparison_is_dated_by_the_clock_that_retention_goes_by(database: SqlDatabase) -> None:
    add(database, Comparison(answer=ANSWER, shadow=SHADOW))
    assert asyncio.run(RetainLogs(database=database, days=1).round()) == 0
    assert len(between(database)) == 1
    assert read(database, "SELECT COUNT(*) FROM RollcallComparisons WHERE CreatedDate IS NULL") == [(0,)]
