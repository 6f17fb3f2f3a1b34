"""docs/moving-from-face-recognition.md, from start to end, on a database of an old server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.engine import open_database
from tests.db.rows import read
from tests.docs import Reader, blocks, commands
from tests.e2e.test_docs_commands import take_test_photos
from tests.mariadb import PASSWORD, MariaDBServer, is_installed
from tests.packs import picture
from tests.servers import ROOT, RollcallServer, wait_for

pytestmark = pytest.mark.slow

PAGE = "docs/moving-from-face-recognition.md"
DUMP = (ROOT / "tests/db/old_server.sql").read_text(encoding="utf-8")


@pytest.fixture
def own_mariadb() -> Iterator[MariaDBServer]:
    """A server of our own, for the page names its databases."""
    if not is_installed():
        pytest.skip("MariaDB is not installed (apt-get install mariadb-server)")
    with MariaDBServer() as mariadb:
        yield mariadb


def address(mariadb: MariaDBServer, database: str) -> str:
    return f"mysql+pymysql://rollcall:{PASSWORD}@127.0.0.1:{mariadb.port}/{database}?charset=utf8mb4"


def faces(url: str) -> object:
    database = open_database(url, pool_size=1)
    try:
        return read(database, "SELECT * FROM FaceData ORDER BY Id")
    finally:
        database.close()


def reader_of(folder: Path, url: str, server: RollcallServer | None, settings: dict[str, str]) -> Reader:
    """One whose .my.cnf lets him in as the database's administrator."""
    return Reader(folder, server, {**settings, "DATABASE_URL": url, "HOME": str(folder)})


def test_the_way_from_start_to_end_and_back(
    own_mariadb: MariaDBServer, tmp_path: Path, pack_settings: dict[str, str]
) -> None:
    own_mariadb.execute("CREATE DATABASE school")
    school, trial = address(own_mariadb, "school"), address(own_mariadb, "school_trial")
    own_mariadb.run_script(school, DUMP)
    own_mariadb.run_script(school, f"UPDATE FaceData SET ImageData = 0x{picture(1).hex()} WHERE Id = 1")
    (tmp_path / ".my.cnf").write_text(
        f"[client]\nuser=rollcall\npassword={PASSWORD}\nhost=127.0.0.1\nport={own_mariadb.port}\n"
    )
    take_test_photos(tmp_path)
    before = faces(school)

    save_and_copy = [*commands(PAGE, "1. Save the database"), *commands(PAGE, "2. Try it on a copy")]
    ask = [one for one in save_and_copy if one.startswith("curl")]
    measure = [one for one in save_and_copy if " evaluate " in one]
    for command in save_and_copy:
        if command not in (*ask, *measure):
            reader_of(tmp_path, trial, None, pack_settings).run(command)
    assert faces(trial) == before

    trial_folder, school_folder = tmp_path / "trial", tmp_path / "school"
    trial_folder.mkdir()
    school_folder.mkdir()
    with RollcallServer(trial_folder, **pack_settings, DATABASE_URL=trial) as server:
        wait_for(lambda: server.health().get("status") == "healthy", "good health")
        said = [reader_of(tmp_path, trial, server, pack_settings).run(one) for one in (*ask, *measure)]
        assert '"database":"mysql"' in said[0]
        assert "Zoë Brontëfield" in said[1]

    with RollcallServer(school_folder, **pack_settings, DATABASE_URL=school) as server:
        wait_for(lambda: server.health().get("status") == "healthy", "good health")
        reader = reader_of(tmp_path, school, server, pack_settings)
        left = "".join(reader.run(one) for one in commands(PAGE, "4. Change over"))
        assert "NO_IMAGE" in left
        for command in commands(PAGE, "5. Move the old embeddings"):
            reader.run(command)
        assert (tmp_path / "moved.csv").read_text().count("\n") > 1
    assert faces(school) == before

    for block in blocks(PAGE, "6. Clean up"):
        reader.run(block.text)
    assert own_databases(own_mariadb) == ["school"]
    database = open_database(school, pool_size=1)
    assert not [row for row in read(database, "SHOW TABLES") if row[0].startswith("Rollcall")]
    database.close()


def own_databases(mariadb: MariaDBServer) -> list[str]:
    connection = mariadb.connect()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW DATABASES LIKE 'school%'")
            return [name for (name,) in cursor.fetchall()]
    finally:
        connection.close()
