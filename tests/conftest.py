"""Databases for every test that needs one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from tests.mariadb import MariaDBServer, is_installed


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--share", default="1/1", help="run one of several equal shares of tests/e2e, such as 1/2"
    )


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDBServer]:
    """One private server for the whole run."""
    if not is_installed():
        pytest.skip("MariaDB is not installed (apt-get install mariadb-server)")
    with MariaDBServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "mariadb", "mariadb-bin"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database; the last kind compares text byte by byte unless told otherwise."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new/rollcall.db"
    server: MariaDBServer = request.getfixturevalue("mariadb")
    collation = "utf8mb4_bin" if request.param == "mariadb-bin" else "utf8mb4_general_ci"
    return server.new_database(collation=collation)


@pytest.fixture
def database(database_url: str) -> Iterator[SqlDatabase]:
    """A migrated, empty database."""
    database = open_database(database_url, pool_size=5)
    migrate(database)
    yield database
    database.close()
