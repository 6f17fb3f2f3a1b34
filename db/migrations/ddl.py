"""Statements for both databases from one text. Nothing here changes the database."""

from collections.abc import Iterator

from sqlalchemy import Connection, inspect

_WORDS = {
    "mysql": {
        "{id}": "INT NOT NULL AUTO_INCREMENT PRIMARY KEY",
        "{exact}": "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        "{truth}": "TINYINT(1)",
        "{end}": " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
        "{insert}": "INSERT IGNORE",
    },
    # AUTOINCREMENT: an Id is never given twice, as on MySQL. SQLite compares text exactly by itself.
    "sqlite": {
        "{id}": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "{exact}": "",
        "{truth}": "SMALLINT",
        "{end}": "",
        "{insert}": "INSERT OR IGNORE",
    },
}


def in_words_of(connection: Connection, statement: str) -> str:
    """Put in the database's own words: {id} is a primary key that it counts up, {exact} follows the type of a
    text column that is compared byte by byte, {truth} is the type of 0 and 1, {insert} inserts new keys only.
    """
    for word, meaning in _WORDS[connection.dialect.name].items():
        statement = statement.replace(word, meaning)
    return statement


def create_table(connection: Connection, name: str, columns: str) -> Iterator[str]:
    """Creates a table; nothing where it exists, since even IF NOT EXISTS needs the right to create."""
    if not inspect(connection).has_table(name):
        yield in_words_of(connection, f"CREATE TABLE IF NOT EXISTS {name} ({columns}){{end}}")


def add_column(connection: Connection, table: str, name: str, type: str) -> Iterator[str]:
    """Adds a column to a table of ours, which an earlier migration makes; nothing where it has it."""
    inspector = inspect(connection)
    if inspector.has_table(table) and name in {column["name"] for column in inspector.get_columns(table)}:
        return
    # Only MariaDB can be asked to add it unless it exists.
    unless = "IF NOT EXISTS " if getattr(connection.dialect, "is_mariadb", False) else ""
    yield f"ALTER TABLE {table} ADD COLUMN {unless}{name} {type}"


def remember(connection: Connection, name: str, value: str) -> Iterator[str]:
    """Puts a row into RollcallState, unless it has one of that name."""
    yield in_words_of(connection, f"{{insert}} INTO RollcallState (Name, Value) VALUES ('{name}', '{value}')")
