"""RollcallAudit: written with what it tells of, appended to by one at a time, and erased without a gap."""

import json
import sqlite3
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from db import tables
from db.audit import SqlAudit, row_of
from db.copies import SqlCopies
from db.engine import SqlDatabase, open_database
from db.erasing import SqlEraser
from db.migrate import migrate
from rollcall.core.audit import NO_ENTRIES, Action, AuditFilter, Head, new_entry
from rollcall.core.backup import ALL_COLUMNS, Section
from rollcall.core.callers import ANOTHER_PROGRAM, Caller, caller
from rollcall.core.erasure import Erasure
from rollcall.core.errors import DatabaseError, PersonNotFound
from rollcall.workflows.erase import Erase
from rollcall.workflows.restore import RestoreMode
from tests.audit import actions, details, entries, verify
from tests.backups import create, fill, restore, run
from tests.db.foreign import a_round
from tests.db.rows import new_face, old_face, read, student, teacher
from tests.mariadb import MariaDBServer
from tests.servers import ROOT

ADA = student("QX-77")


def note(database: SqlDatabase, *codes: str) -> None:
    """An entry about each of these students."""
    for code in codes:
        with database.transaction() as records:
            records.audit.add(Action.ENROLLED, student(code), face_id=1)


def test_an_entry_tells_who_did_what_to_whom(database: SqlDatabase) -> None:
    token = caller.set(Caller(name="gate 王", address="10.0.0.7", request_id="r-1"))
    try:
        with database.transaction() as records:
            records.audit.add(Action.FACE_DELETED, teacher("É-1 "), face_id=17)
    finally:
        caller.reset(token)
    [entry] = entries(database)
    assert (entry.number, entry.actor, entry.address, entry.request_id) == (1, "gate 王", "10.0.0.7", "r-1")
    assert (entry.action, entry.person_type, entry.person_code) == ("face_deleted", "teacher", "É-1")
    assert details(entry) == {"face_id": 17}
    assert verify(database).fault is None


def test_what_is_rolled_back_leaves_no_entry(database: SqlDatabase) -> None:
    note(database, "S1")

    def enrol_and_fail() -> None:
        with database.transaction() as records:
            records.faces.add(new_face())
            records.audit.add(Action.ENROLLED, student("S2"), face_id=1)
            raise KeyError("fault")

    with pytest.raises(KeyError):
        enrol_and_fail()
    note(database, "S3")
    assert [entry.person_code for entry in entries(database)] == ["S1", "S3"]
    assert verify(database).entries == 2


def test_an_empty_audit_is_whole(database: SqlDatabase) -> None:
    found = verify(database)
    assert (found.entries, found.newest, found.fault) == (0, NO_ENTRIES, None)


def test_many_who_write_at_once_make_one_chain(database: SqlDatabase, database_url: str) -> None:
    other = open_database(database_url, pool_size=5)
    servers = (database, other)

    def write(number: int) -> None:
        servers[number % 2].run_sync(
            lambda records: records.audit.add(Action.ENROLLED, student(f"S{number}"), face_id=number)
        )

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(write, range(60)))
    other.close()
    assert verify(database).entries == 60
    assert verify(database).fault is None
    assert {entry.person_code for entry in entries(database)} == {f"S{number}" for number in range(60)}


def test_an_entry_waits_for_whoever_writes_another(database: SqlDatabase) -> None:
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as records:
            records.audit.add(Action.ENROLLED, student("S1"), face_id=1)
            waiting = pool.submit(note, database, "S2")
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.5)
        waiting.result()
    assert verify(database).entries == 2
    assert verify(database).fault is None


def test_other_programs_writes_are_an_entry_with_their_number(database: SqlDatabase) -> None:
    assert a_round(database) == 0
    assert entries(database) == []
    old_face(database, "A")
    old_face(database, "B")
    assert a_round(database) == 2
    assert [entry.actor for entry in entries(database)] == [ANOTHER_PROGRAM.name]
    assert sum(details(entry)["faces"] for entry in entries(database)) == 2


def test_entries_are_found_by_person_action_and_moment(database: SqlDatabase) -> None:
    note(database, "S1", "S2", "s1")
    with database.transaction() as records:
        records.audit.add(Action.PERSON_DELETED, student("S1"), faces=2)

    def numbers(**wanted: object) -> list[int]:
        filter = AuditFilter(**wanted)  # type: ignore[arg-type]
        return [entry.number for entry in database.run_sync(lambda records: records.audit.newest(filter))]

    assert numbers(code="S1 ") == [1, 3, 4]
    assert numbers(code="s1", action=Action.ENROLLED) == [1, 3]
    assert numbers(limit=2) == [3, 4]
    assert numbers(since="2999") == []
    assert numbers(since=entries(database)[0].moment, limit=9) == [1, 2, 3, 4]


# erasing


def erase(database: SqlDatabase) -> dict[str, object]:
    receipt: dict[str, object] = json.loads(
        Erase(eraser=SqlEraser(database)).run(Erasure(person=ADA)).to_json()
    )
    return receipt


def everything_in_the_audit(database: SqlDatabase) -> str:
    return str(read(database, "SELECT * FROM RollcallAudit"))


def test_erasing_takes_the_person_out_and_leaves_the_chain_whole(database: SqlDatabase) -> None:
    note(database, "QX-77", "S2", "qx-77 ")
    with database.transaction() as records:
        records.audit.add(Action.ENROLLED, teacher("QX-77"), face_id=3)  # somebody else
        records.faces.add(new_face(ADA))
    before = entries(database)
    assert erase(database)["audit_entries_blanked"] == 2
    after = entries(database)
    assert [entry.person_code for entry in after] == [None, "S2", None, "QX-77", None]
    assert [entry.salt is None for entry in after] == [True, False, True, False, True]
    assert [entry.hash for entry in after[:4]] == [entry.hash for entry in before]
    assert (after[-1].action, after[-1].person_digest) == ("erased", None)
    assert details(after[-1])["audit_entries"] == 2
    assert details(after[-1])["rows"]["FaceData"] == 1
    assert verify(database).fault is None
    assert "qx-77" not in everything_in_the_audit(database).lower().replace("'teacher', 'qx-77'", "")


def test_a_person_of_whom_only_the_audit_knows_can_be_erased_once(database: SqlDatabase) -> None:
    note(database, "QX-77")
    assert erase(database)["audit_entries_blanked"] == 1
    with pytest.raises(PersonNotFound):
        erase(database)
    assert actions(database) == ["enrolled", "erased"]
    assert verify(database).fault is None


def test_an_erasure_that_is_broken_off_leaves_the_audit_as_it_was(database: SqlDatabase) -> None:
    note(database, "QX-77")
    before = entries(database)

    def break_off() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SqlEraser(database, before_commit=break_off).erase(Erasure(person=ADA))
    assert entries(database) == before


def test_sqlites_file_holds_no_byte_of_the_code_or_the_salt_any_more(tmp_path: Path) -> None:
    folder = tmp_path / "alone"
    database = open_database(f"sqlite:///{folder}/rollcall.db", pool_size=2)
    migrate(database)
    note(database, *(f"S{number}" for number in range(40)), "QX-77")
    salt = entries(database)[-1].salt
    assert salt is not None
    stored = b"".join(file.read_bytes() for file in folder.iterdir())
    assert b"QX-77" in stored
    erase(database)
    stored = b"".join(file.read_bytes() for file in folder.iterdir())
    assert b"QX-77" not in stored
    assert salt.encode() not in stored
    database.close()


# backups


def test_a_backup_is_noted_before_there_is_a_file(database: SqlDatabase, tmp_path: Path) -> None:
    fill(database)
    run(database, "ALTER TABLE RollcallAudit RENAME TO Elsewhere")
    with pytest.raises(DatabaseError):
        create(database, tmp_path / "a")
    assert not (tmp_path / "a").exists()
    run(database, "ALTER TABLE Elsewhere RENAME TO RollcallAudit")
    create(database, tmp_path / "a")
    [entry] = entries(database)
    assert entry.action == "backup_created"
    assert details(entry)["rows"]["faces"] == 7
    assert details(entry)["encrypted"] is False


@pytest.mark.parametrize("mode", list(RestoreMode))
def test_a_restore_leaves_the_chain_as_it_is_and_appends_an_entry(
    database: SqlDatabase, tmp_path: Path, mode: RestoreMode
) -> None:
    fill(database)
    create(database, tmp_path / "a")
    note(database, "S1", "S2")
    before = entries(database)
    restore(database, tmp_path / "a", mode)
    after = entries(database)
    assert after[:-1] == before
    assert after[-1].action == "backup_restored"
    assert details(after[-1])["mode"] == mode.value
    assert details(after[-1])["state_before_saved"] is (mode is RestoreMode.REPLACE)
    assert verify(database).fault is None


def test_an_archive_holds_nothing_of_the_audit(database: SqlDatabase) -> None:
    note(database, "QX-77")
    with SqlCopies(database).reading() as readable:
        read_back = [list(readable.read(section, ALL_COLUMNS[section])) for section in Section]
    assert "QX-77" not in str(read_back)
    assert "Audit" not in str(list(Section))


# append-only


def chain(number: int) -> list[dict[str, object]]:
    """Rows of so many entries."""
    rows, head = [], NO_ENTRIES
    for n in range(number):
        entry = new_entry(head, Caller(name="gate"), Action.ENROLLED, student(f"S{n}"), {"face_id": n})
        head = Head(number=entry.number, hash=entry.hash)
        rows.append(row_of(entry))
    return rows


def test_the_verification_of_a_long_audit_keeps_nothing_in_memory(database: SqlDatabase) -> None:
    rows = chain(20_000)
    with database.connection() as connection:
        for start in range(0, len(rows), 1000):
            connection.execute(insert(tables.audit), rows[start : start + 1000])
        value = f"{len(rows)} {rows[-1]['Hash']}"
        connection.execute(insert(tables.state).values(Name=tables.AUDIT_ROW, Value=value))
    del rows
    verify(database)
    tracemalloc.start()
    try:
        found = verify(database)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found.entries, found.fault) == (20_000, None)
    assert peak_bytes < 12 * 2**20  # a window of 2,000; all of them would take 30 MB


REFUSED = (
    "DELETE FROM RollcallAudit WHERE Id = 2",
    "UPDATE RollcallAudit SET Actor = 'somebody' WHERE Id = 2",
    "UPDATE RollcallAudit SET Id = 9 WHERE Id = 2",
    "UPDATE RollcallAudit SET Hash = 'x' WHERE Id = 2",
    "UPDATE RollcallAudit SET PersonType = 'teacher' WHERE Id = 2",
    "UPDATE RollcallAudit SET PersonCode = 'S9' WHERE Id = 2",
    "UPDATE RollcallAudit SET Salt = 'x', PersonCode = NULL WHERE Id = 2",
    "REPLACE INTO RollcallAudit SELECT * FROM RollcallAudit WHERE Id = 2",
)


@pytest.mark.parametrize("statement", REFUSED)
def test_sqlite_refuses_to_change_an_entry(tmp_path: Path, statement: str) -> None:
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
    migrate(database)
    note(database, "S1", "S2", "S3")
    before = entries(database)
    with (
        closing(sqlite3.connect(tmp_path / "rollcall.db")) as other,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        other.execute(statement)
    assert entries(database) == before
    database.close()


def documented_triggers() -> str:
    section = (ROOT / "docs" / "operations.md").read_text().split("\n### Append-only\n")[1]
    return section.split("```sql\n")[1].split("```")[0]


@pytest.fixture
def guarded(mariadb: MariaDBServer) -> SqlDatabase:
    """A database with the triggers of the docs, and an account that may not make any."""
    address = mariadb.new_database()
    database = open_database(address, 1)
    migrate(database)
    database.close()
    mariadb.run_script(address, documented_triggers())
    return open_database(mariadb.new_account(address, "SELECT, INSERT, UPDATE, DELETE"), 2)


@pytest.mark.parametrize("statement", REFUSED)
def test_the_triggers_of_the_docs_refuse_it_on_mysql(guarded: SqlDatabase, statement: str) -> None:
    note(guarded, "S1", "S2", "S3")
    before = entries(guarded)
    with pytest.raises(DatabaseError), guarded.connection() as connection:
        connection.execute(text(statement))
    assert entries(guarded) == before
    guarded.close()


def test_a_person_can_be_erased_where_the_triggers_of_the_docs_are(guarded: SqlDatabase) -> None:
    note(guarded, "QX-77", "S2")
    assert erase(guarded)["audit_entries_blanked"] == 1
    assert [entry.person_code for entry in entries(guarded)] == [None, "S2", None]
    assert verify(guarded).fault is None
    guarded.close()


def test_an_entry_that_somebody_else_appended_does_not_keep_us_from_writing(database: SqlDatabase) -> None:
    note(database, "S1")
    columns = "Moment, Actor, Address, RequestId, Action, Details, PreviousHash, Hash"
    run(database, f"INSERT INTO RollcallAudit (Id, {columns}) SELECT 7, {columns} FROM RollcallAudit")
    note(database, "S2")
    assert [entry.number for entry in entries(database)] == [1, 7, 8]
    assert "2 to 6 are missing" in (verify(database).fault or "")


def test_only_adding_and_blanking_change_the_table() -> None:
    """Whatever else did would have to be in this class."""
    assert {name for name in vars(SqlAudit) if not name.startswith("_")} == {
        "add",
        "head",
        "after",
        "newest",
        "blank",
    }
