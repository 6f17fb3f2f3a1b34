"""What `rollcall erase` tells at the terminal."""

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from tests.backups import fill, run
from tests.db.rows import read
from tests.servers import ROOT, clean_environment

pytestmark = pytest.mark.slow


def erase(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Erase the student S0; nobody answers the question."""
    return subprocess.run(
        [str(ROOT / "bin" / "rollcall"), "erase", "--type", "student", "--code", "S0", *arguments],
        env=clean_environment({"DATABASE_URL": url}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_tables_that_lose_rows_are_named_before_the_question(
    database: SqlDatabase, database_url: str
) -> None:
    fill(database)
    key = "FaceId INT, FOREIGN KEY (FaceId) REFERENCES FaceData (Id) ON DELETE CASCADE"
    run(
        database, f"CREATE TABLE FaceNotes (Id INT PRIMARY KEY, {key})", "INSERT INTO FaceNotes VALUES (1, 1)"
    )
    asked = erase(database_url, "--keep-person")
    assert "Rows of FaceNotes that refer to deleted rows" in asked.stderr.split("Type yes")[0]
    assert read(database, "SELECT COUNT(*) FROM FaceNotes") == [(1,)]
    done = erase(database_url, "--keep-person", "--yes")
    assert json.loads(done.stdout)["tables_that_cascade"] == ["FaceNotes"]
    assert ("wal_emptied" in json.loads(done.stdout)) is (database.kind == "sqlite")
    assert read(database, "SELECT COUNT(*) FROM FaceNotes") == [(0,)]


def test_it_is_told_what_to_do_about_bytes_that_are_left(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/rollcall.db"
    database = open_database(url, pool_size=1)
    migrate(database)
    fill(database)
    database.close()
    with closing(sqlite3.connect(tmp_path / "rollcall.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM FaceData").fetchall()
        done = erase(url, "--yes")
    assert (done.returncode, json.loads(done.stdout)["wal_emptied"]) == (0, False)
    assert "the last to end clears both files" in done.stderr
