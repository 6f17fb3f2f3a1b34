"""`rollcall migrate --print`: an administrator runs it, and the server needs no right to create tables."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import inspect, text

from db import tables
from db.engine import SqlDatabase, open_database
from db.migrate import migrate, pending_statements
from rollcall.cli.migrate import script
from rollcall.core.errors import DatabaseError
from rollcall.core.records import AttendanceStatus
from tests.db.rows import new_face, read
from tests.mariadb import MariaDBServer

RIGHTS = "SELECT, INSERT, UPDATE, DELETE"


def printed(database_url: str) -> str:
    database = open_database(database_url, 1)
    try:
        return "\n".join(script(database.kind, pending_statements(database)))
    finally:
        database.close()


def run_script(request: pytest.FixtureRequest, database_url: str, statements: str) -> None:
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as connection:
            connection.executescript(statements)
    else:
        server: MariaDBServer = request.getfixturevalue("mariadb")
        server.run_script(database_url, statements)


def schema(database_url: str) -> dict[str, Any]:
    """Every table's definition, and what our own tables hold."""
    database = open_database(database_url, 1)
    with database.connection() as connection:
        names = sorted(inspect(connection).get_table_names())
        if database.kind == "sqlite":
            found: dict[str, Any] = {
                row.name: row.sql
                for row in connection.execute(text("SELECT name, sql FROM sqlite_master ORDER BY name"))
            }
        else:
            found = {name: connection.execute(text(f"SHOW CREATE TABLE {name}")).one()[1] for name in names}
    found["state"] = read(database, "SELECT * FROM RollcallState ORDER BY Name")
    found["applied"] = read(database, "SELECT Number, Name FROM RollcallMigrations ORDER BY Number")
    database.close()
    return found


def emptied(database_url: str) -> None:
    database = open_database(database_url, 1)
    with database.connection() as connection:
        for name in ("AttendanceRecords", *inspect(connection).get_table_names()):
            connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
    database.close()


def test_the_script_makes_what_the_server_would_make(
    request: pytest.FixtureRequest, database_url: str
) -> None:
    statements = printed(database_url)
    run_script(request, database_url, statements)
    by_script = schema(database_url)
    emptied(database_url)
    database = open_database(database_url, 1)
    migrate(database)
    database.close()
    assert schema(database_url) == by_script


def test_after_the_script_nothing_is_pending(request: pytest.FixtureRequest, database_url: str) -> None:
    run_script(request, database_url, printed(database_url))
    database = open_database(database_url, 1)
    assert pending_statements(database) == []
    assert migrate(database) == ()
    database.close()
    assert printed(database_url).startswith("-- The database has all")


def test_printing_changes_nothing(database_url: str) -> None:
    database = open_database(database_url, 1)
    assert "CREATE TABLE" in printed(database_url)
    with database.connection() as connection:
        assert inspect(connection).get_table_names() == []
    database.close()


def test_a_script_may_be_run_twice(mariadb: MariaDBServer) -> None:
    address = mariadb.new_database()
    statements = printed(address)
    for _ in range(2):
        mariadb.run_script(address, statements)


def test_an_older_versions_database_gets_only_what_is_new(
    request: pytest.FixtureRequest, database_url: str
) -> None:
    """The second version: without RollcallKnownFaces, RollcallSettings and the changes' stamps."""
    database = open_database(database_url, 1)
    migrate(database)
    with database.connection() as connection:
        connection.execute(text("DELETE FROM RollcallMigrations WHERE Number > 2"))
        connection.execute(text("DROP TABLE RollcallKnownFaces"))
        connection.execute(text("DROP TABLE RollcallSettings"))
        connection.execute(text("ALTER TABLE RollcallChanges DROP COLUMN Stamp"))
    statements = printed(database_url)
    assert "RollcallSettings" in statements
    for there_already in ("FaceData", "RollcallState", "CREATE TABLE IF NOT EXISTS RollcallMigrations"):
        assert there_already not in statements
    run_script(request, database_url, statements)
    assert migrate(database) == ()
    with database.transaction() as records:
        records.faces.add(new_face())
    database.close()


def test_an_account_that_may_not_create_tables_is_told_what_to_do(mariadb: MariaDBServer) -> None:
    address = mariadb.new_database()
    database = open_database(mariadb.new_account(address, RIGHTS), 1)
    with pytest.raises(DatabaseError, match=r"may not create or alter.*`bin/rollcall migrate --print`"):
        migrate(database)
    assert pending_statements(database)
    database.close()


def test_the_statements_need_only_rights_to_read(mariadb: MariaDBServer) -> None:
    address = mariadb.new_database()
    database = open_database(mariadb.new_account(address, "SELECT"), 1)
    assert pending_statements(database)
    database.close()


@pytest.fixture
def restricted(mariadb: MariaDBServer) -> SqlDatabase:
    """An account without the right to create, after the administrator has run the script."""
    address = mariadb.new_database()
    account = mariadb.new_account(address, RIGHTS)
    mariadb.run_script(address, printed(account))
    return open_database(account, 2)


def test_an_account_that_may_not_create_tables_works_with_those_of_the_script(
    restricted: SqlDatabase,
) -> None:
    assert migrate(restricted) == ()
    with restricted.transaction() as records:
        face = records.faces.add(new_face())
        assert records.attendance.ensure_session(1)
        records.attendance.add(1, "S1", AttendanceStatus.PRESENT)
        assert records.faces.remove(face)
    restricted.close()


def test_a_newer_versions_migrations_are_told_and_left_alone(
    database: SqlDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    with database.connection() as connection:
        connection.execute(tables.migrations.insert().values(Number=999, Name="later"))
    assert migrate(database) == ()
    assert "999" in caplog.text
    assert read(database, "SELECT Name FROM RollcallMigrations WHERE Number = 999") == [("later",)]
    with database.transaction() as records:
        records.faces.add(new_face())


@pytest.mark.parametrize("column", ["ContentType", "FaceDescriptor"])
def test_a_column_that_is_missing_is_named(database_url: str, column: str) -> None:
    database = open_database(database_url, 1)
    migrate(database)
    with database.connection() as connection:
        connection.execute(text(f"ALTER TABLE FaceData DROP COLUMN {column}"))
        connection.execute(text("ALTER TABLE Student DROP COLUMN Campus"))  # which nobody needs
    for attempt in (migrate, pending_statements):
        with pytest.raises(DatabaseError, match=rf"needs: FaceData\.{column}\."):
            attempt(database)
    database.close()
