"""Databases of one kind, for what only that kind does."""

from collections.abc import Iterator

import pytest

from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from tests.mariadb import MariaDBServer


@pytest.fixture
def mysql_database(mariadb: MariaDBServer) -> Iterator[SqlDatabase]:
    database = open_database(mariadb.new_database(), pool_size=5)
    migrate(database)
    yield database
    database.close()
