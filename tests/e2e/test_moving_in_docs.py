"""The commands and tables of docs/moving-in.md, and of the sections of docs/operations.md on settings."""

import re
from pathlib import Path

import pytest

from db import tables
from db.columns import needed_columns
from db.engine import open_database
from db.migrate import migrate
from rollcall.core.legacy import Outcome
from tests.db.rows import old_face, read
from tests.docs import Reader, commands
from tests.mariadb import MariaDBServer, database_name
from tests.packs import picture, write_pack
from tests.servers import ROOT

pytestmark = pytest.mark.slow

MOVING_IN = (ROOT / "docs/moving-in.md").read_text()


def section(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def reader(folder: Path, database_url: str) -> Reader:
    """A user in this folder, whose .my.cnf lets him in."""
    return Reader(folder, settings={"DATABASE_URL": database_url, "HOME": str(folder)})


def test_the_rights_are_enough(mariadb: MariaDBServer) -> None:
    url = mariadb.new_database()
    [block] = re.findall(r"```sql\n(.*?)```", MOVING_IN, re.DOTALL)
    mariadb.execute(
        *(line.removesuffix(";").replace("school.", f"{database_name(url)}.") for line in block.splitlines())
    )
    account = re.sub("//[^@]*@", "//rollcall_server:choose-a-password@", url)
    database = open_database(account, 1)
    assert migrate(database)
    database.close()


def test_the_administrators_commands_work(mariadb: MariaDBServer, tmp_path: Path) -> None:
    mariadb.execute("CREATE DATABASE school")
    url = mariadb.new_database()
    account = mariadb.new_account(re.sub("/[^/]*$", "/school", url), "SELECT, INSERT, UPDATE, DELETE")
    user, password, host, port = re.findall(r"//(.*):(.*)@(.*):(\d+)/", url)[0]
    (tmp_path / ".my.cnf").write_text(
        f"[client]\nuser={user}\npassword={password}\nhost={host}\nport={port}\n"
    )
    for command in commands("docs/moving-in.md", "The account"):
        reader(tmp_path, account).run(command)
    database = open_database(account, 1)
    assert migrate(database) == ()
    database.close()


def test_the_commands_about_old_embeddings_work(tmp_path: Path) -> None:
    write_pack(tmp_path / "models" / "buffalo_l")
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", 1)
    migrate(database)
    old_face(database, ImageData=picture(1))
    before = read(database, "SELECT * FROM FaceData")
    told = [
        Reader(tmp_path).run(command)
        for command in commands("docs/moving-in.md", "Moving the old embeddings")
    ]
    # dlib sees no face in a picture of nobody.
    assert told[1] == "not_compared: 1\n"
    assert (tmp_path / "plan.csv").read_text().splitlines()[1] == "1,student,OLD1,to_move,own_picture,,"
    assert (tmp_path / "moved.csv").read_text().splitlines()[1].startswith("1,student,OLD1,not_compared,")
    assert read(database, "SELECT * FROM FaceData") == before
    database.close()


def test_the_table_of_outcomes_names_them_all() -> None:
    told = re.findall(r"^\| `(\w+)` \|", section(MOVING_IN, "Moving the old embeddings"), re.MULTILINE)
    assert told == [outcome.value for outcome in Outcome if outcome is not Outcome.TO_MOVE]


def test_the_table_names_every_column_that_is_needed() -> None:
    needed = section(MOVING_IN, "Columns that the users' tables must have")
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", needed, re.MULTILINE)
    told = {table: re.findall(r"`(\w+)`", columns) for table, columns in rows}
    assert told == {name: list(needed_columns(tables.metadata.tables[name])) for name in told}
    assert len(told) == 6


def test_the_commands_about_settings_work(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    reader.run("bin/rollcall migrate")
    told = [reader.run(command) for command in commands("docs/operations.md", "Shared settings")]
    assert told[1].splitlines()[0].split() == ["similarity_threshold", "0.55", "shared"]
    for command in commands("docs/operations.md", "Log retention"):
        assert "365" in reader.run(command)
