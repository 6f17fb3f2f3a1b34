"""`rollcall audit`, what the other commands leave in it, and every command of the docs on it."""

import csv
import io
import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.core.audit import Action
from tests.audit import actions, details, entries, verify
from tests.db.rows import student
from tests.docs import commands
from tests.e2e.two_models import SECOND, write_models
from tests.packs import picture
from tests.servers import ROOT, clean_environment

pytestmark = pytest.mark.slow

LIMIT_SECONDS = 300
Rollcall = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def rollcall(tmp_path: Path) -> Rollcall:
    """Run a command in a folder with two models, on the SQLite database there."""
    settings = {**write_models(tmp_path / "models"), "ENABLE_FACE_QUALITY_CHECK": "false"}
    settings |= {"DATABASE_URL": f"sqlite:///{tmp_path}/rollcall.db", "AUTO_DOWNLOAD_MODELS": "false"}

    def run(*arguments: str, status: int = 0) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [str(ROOT / "bin" / "rollcall"), *arguments],
            cwd=tmp_path,
            env=clean_environment(settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        assert done.returncode == status, (arguments, done.stdout, done.stderr)
        return done

    return run


@pytest.fixture
def database(tmp_path: Path) -> SqlDatabase:
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
    migrate(database)
    return database


def test_every_command_that_changes_or_takes_out_something_leaves_an_entry(
    rollcall: Rollcall, database: SqlDatabase, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text("code,name\nS1,Ada\nS2,Grace\n")
    (tmp_path / "photos").mkdir()
    for number in (1, 2):
        (tmp_path / "photos" / f"S{number}.jpg").write_bytes(picture(number))
    for code, people in {"A": (1, 1), "B": (2,)}.items():
        (tmp_path / "known" / code).mkdir(parents=True)
        for place, person in enumerate(people):
            (tmp_path / "known" / code / f"{place}.jpg").write_bytes(picture(person))
    steps: list[tuple[str, list[Action]]] = [
        (
            "import --type student --csv people.csv --photos photos",
            [Action.IMPORT_BEGUN, Action.ENROLLED, Action.ENROLLED],
        ),
        ("settings set log_retention_days 365", [Action.SETTING_CHANGED]),
        ("settings unset log_retention_days", [Action.SETTING_CHANGED]),
        ("settings unset log_retention_days", []),
        ("evaluate known", []),
        ("evaluate known --store", [Action.CALIBRATION_STORED]),
        ("backup create a.rollcall --images", [Action.BACKUP_CREATED]),
        ("backup verify a.rollcall", []),
        ("backup restore a.rollcall", [Action.BACKUP_RESTORED]),
        (f"models switch {SECOND}", [Action.SWITCH_BEGUN, Action.SWITCH_ENDED]),
        ("models rollback", [Action.ROLLED_BACK]),
        ("models prune", [Action.PRUNED, Action.PRUNED]),
        (f"models remove {SECOND}", [Action.MODEL_REMOVED]),
        ("erase --type student --code S1 --yes", [Action.ERASED]),
        ("migrate", []),
        ("models list", []),
        ("audit verify", []),
    ]
    seen: list[str] = []
    for command, left in steps:
        rollcall(*command.split())
        assert actions(database)[len(seen) :] == [action.value for action in left], command
        seen = actions(database)
    by = {entry.actor for entry in entries(database)}
    assert len(by) == 1
    assert re.fullmatch(r"command line, \S+", by.pop())
    assert {entry.address for entry in entries(database)} == {socket.gethostname()[:64]}
    imported = entries(database)[:2]
    assert imported[0].request_id == imported[1].request_id != entries(database)[2].request_id
    assert details(entries(database)[2]) == {"name": "log_retention_days", "value": "365"}
    assert verify(database).fault is None
    database.close()


def test_verify_prints_the_newest_hash_and_fails_where_the_chain_is_broken(
    rollcall: Rollcall, database: SqlDatabase
) -> None:
    assert rollcall("audit", "verify").stdout == "There are no entries yet.\n"
    for value in ("0.5", "0.6", "0.7"):
        with database.transaction() as records:
            records.audit.add(Action.SETTING_CHANGED, name="similarity_threshold", value=value)
    newest = entries(database)[-1].hash
    told = rollcall("audit", "verify", "--since-hash", entries(database)[0].hash.upper()).stdout.splitlines()
    assert re.fullmatch(r"3 entries from \S+Z to \S+Z; the chain is whole\.", told[0])
    assert told[1:] == ["The hash that was noted is entry 1's: 2 came since.", f"Newest hash: {newest}"]
    unknown = rollcall("audit", "verify", "--since-hash", "0" * 64, status=1).stdout
    assert "No entry has the hash that was noted" in unknown
    assert "64 hexadecimal digits" in rollcall("audit", "verify", "--since-hash", "12", status=2).stderr
    with database.connection() as connection:
        connection.exec_driver_sql("DROP TRIGGER RollcallAuditKept")
        connection.exec_driver_sql("DELETE FROM RollcallAudit WHERE Id = 2")
    assert rollcall("audit", "verify", status=1).stdout == (
        "The audit is broken. Entry 2 is missing.\nBefore that 1 entries are right.\n"
    )
    database.close()


def test_list_shows_what_is_asked_for(rollcall: Rollcall, database: SqlDatabase) -> None:
    assert rollcall("audit", "list").stdout == "There are no such entries.\n"
    for number in range(60):
        with database.transaction() as records:
            records.audit.add(Action.ENROLLED, student(f"S{number % 2}"), face_id=number)
    shown = rollcall("audit", "list").stdout.splitlines()
    assert re.fullmatch(r"NUMBER +MOMENT +ACTOR +ADDRESS +REQUEST +ACTION +PERSON +DETAILS", shown[0])
    assert len(shown) == 51
    assert shown[-1].split()[0] == "60"
    assert shown[-1].endswith('enrolled  student S1  {"face_id":59}')
    assert len(rollcall("audit", "list", "--person", "s1", "--limit", "7").stdout.splitlines()) == 8
    assert rollcall("audit", "list", "--since", "2999-01-01").stdout == "There are no such entries.\n"
    rows = list(csv.DictReader(io.StringIO(rollcall("audit", "list", "--csv").stdout)))
    assert [int(row["number"]) for row in rows] == list(range(1, 61))
    assert rows[-1]["hash"] == entries(database)[-1].hash
    database.close()


def test_the_commands_of_the_docs_work_as_they_are_written(
    rollcall: Rollcall, database: SqlDatabase, tmp_path: Path
) -> None:
    rollcall("settings", "set", "log_retention_days", "365")
    (tmp_path / "bin").symlink_to(ROOT / "bin")
    found = commands("docs/operations.md", "Audit")
    assert len(found) >= 6
    for command in found:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=clean_environment({"DATABASE_URL": "sqlite:///rollcall.db"}),
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert (tmp_path / "newest-hash").read_text().strip() == entries(database)[-1].hash
    database.close()


def test_every_action_is_in_the_docs() -> None:
    table = (ROOT / "docs" / "operations.md").read_text().split("\n## Audit\n")[1].split("```")[0]
    for action in Action:
        assert f"`{action.value}`" in table, action
