"""Whatever is done to the audit by hand, the verification finds it and says what it is."""

from collections.abc import Sequence

import pytest
from sqlalchemy import text

from db.engine import SqlDatabase
from rollcall.core.audit import Action, AuditEntry, hash_of
from tests.audit import entries, verify
from tests.backups import run
from tests.db.rows import read, student


@pytest.fixture
def audited(database: SqlDatabase) -> SqlDatabase:
    """Five entries, and no triggers: whoever tampers with SQLite drops them first."""
    for number in range(1, 6):
        with database.transaction() as records:
            records.audit.add(Action.ENROLLED, student(f"S{number}"), face_id=number)
    if database.kind == "sqlite":
        for (name,) in read(database, "SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            run(database, f"DROP TRIGGER {name}")
    assert verify(database).fault is None
    return database


DROP_A_PERSON = "UPDATE RollcallAudit SET PersonCode = NULL, Salt = NULL, PersonDigest = NULL WHERE Id = 3"
CASES = [
    (["UPDATE RollcallAudit SET Actor = 'me' WHERE Id = 3"], "Entry 3 was changed", 2),
    (["UPDATE RollcallAudit SET Moment = '2020-01-01T00:00:00.000Z' WHERE Id = 1"], "Entry 1 was changed", 0),
    (["UPDATE RollcallAudit SET Details = '{}' WHERE Id = 5"], "Entry 5 was changed", 4),
    (["UPDATE RollcallAudit SET Hash = REVERSED WHERE Id = 3"], "Entry 3 was changed", 2),
    (["UPDATE RollcallAudit SET PersonType = 'teacher' WHERE Id = 3"], "Entry 3 was changed", 2),
    ([DROP_A_PERSON], "Entry 3 was changed", 2),
    (["DELETE FROM RollcallAudit WHERE Id = 3"], "Entry 3 is missing", 2),
    (["DELETE FROM RollcallAudit WHERE Id < 3"], "Entries 1 to 2 are missing", 0),
    (["DELETE FROM RollcallAudit WHERE Id > 3"], "The end is cut off: 3 is the last", 3),
    (["DELETE FROM RollcallAudit"], "The end is cut off: 0 is the last", 0),
    (["DELETE FROM RollcallState WHERE Name = 'audit'"], "does not say which entry is the newest", 5),
    (
        [
            "UPDATE RollcallAudit SET Id = 99 WHERE Id = 2",
            "UPDATE RollcallAudit SET Id = 2 WHERE Id = 3",
            "UPDATE RollcallAudit SET Id = 3 WHERE Id = 99",
        ],
        "Entry 2 was changed",
        1,
    ),
    (["UPDATE RollcallAudit SET PersonCode = 'S4' WHERE Id = 3"], "The digest of entry 3", 2),
    (["UPDATE RollcallAudit SET Salt = 'salt' WHERE Id = 3"], "The digest of entry 3", 2),
    (["UPDATE RollcallAudit SET PersonCode = NULL WHERE Id = 3"], "The digest of entry 3", 2),
    (
        ["UPDATE RollcallAudit SET PersonCode = NULL, Salt = NULL WHERE Id = 3"],
        "blanked in 1 entry; erasing did so in 0",
        5,
    ),
]


@pytest.mark.parametrize(("statements", "fault", "right"), CASES)
def test_it_is_found(audited: SqlDatabase, statements: Sequence[str], fault: str, right: int) -> None:
    run(audited, *(statement.replace("REVERSED", f"'{'ab' * 32}'") for statement in statements))
    found = verify(audited)
    assert fault in (found.fault or "nothing")
    assert found.entries == right


def hash_anew(database: SqlDatabase, entry: AuditEntry) -> None:
    with database.connection() as connection:
        statement = text("UPDATE RollcallAudit SET Hash = :hash WHERE Id = :number")
        connection.execute(statement, {"hash": hash_of(entry), "number": entry.number})


def test_a_change_with_a_right_hash_breaks_the_order(audited: SqlDatabase) -> None:
    run(audited, "UPDATE RollcallAudit SET Actor = 'me' WHERE Id = 3")
    hash_anew(audited, entries(audited)[2])
    assert "entry 4 does not follow entry 3" in (verify(audited).fault or "")


def test_a_last_entry_with_a_right_hash_is_not_the_one_that_is_noted(audited: SqlDatabase) -> None:
    run(audited, "UPDATE RollcallAudit SET Actor = 'me' WHERE Id = 5")
    hash_anew(audited, entries(audited)[4])
    assert "RollcallState has another hash" in (verify(audited).fault or "")


def write_anew(database: SqlDatabase) -> None:
    """All of it, by somebody who knows Rollcall: another actor, and every hash made to fit."""
    run(database, "UPDATE RollcallAudit SET Actor = 'me' WHERE Id = 2")
    previous = "0" * 64
    for number in range(1, 6):
        run(database, f"UPDATE RollcallAudit SET PreviousHash = '{previous}' WHERE Id = {number}")
        entry = entries(database)[number - 1]
        hash_anew(database, entry)
        previous = hash_of(entry)
    run(database, f"UPDATE RollcallState SET Value = '5 {previous}' WHERE Name = 'audit'")


def test_an_audit_that_was_written_anew_lacks_the_hash_that_was_noted(audited: SqlDatabase) -> None:
    noted = verify(audited).newest.hash
    first = entries(audited)[0].hash
    write_anew(audited)
    assert verify(audited).fault is None  # which is why the docs say to note a hash elsewhere
    assert "No entry has the hash that was noted" in (verify(audited, noted).fault or "")
    assert verify(audited, first).since == 1


def test_an_audit_cut_off_with_its_note_lacks_the_hash_that_was_noted(audited: SqlDatabase) -> None:
    noted = verify(audited).newest.hash
    third = entries(audited)[2].hash
    run(
        audited,
        "DELETE FROM RollcallAudit WHERE Id > 3",
        f"UPDATE RollcallState SET Value = '3 {third}' WHERE Name = 'audit'",
    )
    assert verify(audited).fault is None
    assert "No entry has the hash that was noted" in (verify(audited, noted).fault or "")


def test_a_noted_hash_tells_how_many_came_since(audited: SqlDatabase) -> None:
    found = verify(audited, entries(audited)[2].hash)
    assert (found.since, found.entries, found.fault) == (3, 5, None)


def test_what_is_written_after_a_cut_shows_the_cut_for_ever(audited: SqlDatabase) -> None:
    run(audited, "DELETE FROM RollcallAudit WHERE Id > 3")
    with audited.transaction() as records:
        records.audit.add(Action.ENROLLED, student("S9"), face_id=9)
    assert "Entries 4 to 5 are missing" in (verify(audited).fault or "")
