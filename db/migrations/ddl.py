"""CREATE TABLE for both databases from one text."""

from sqlalchemy import Connection

_WORDS = {
    "mysql": {
        "{id}": "INT NOT NULL AUTO_INCREMENT PRIMARY KEY",
        "{exact}": "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        "{truth}": "TINYINT(1)",
        "{end}": "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
    },
    # AUTOINCREMENT: an Id is never given twice, as on MySQL. SQLite compares text exactly by itself.
    "sqlite": {
        "{id}": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "{exact}": "",
        "{truth}": "SMALLINT",
        "{end}": "",
    },
}


def create_table(connection: Connection, name: str, columns: str) -> None:
    """Create a table unless it exists.

    In `columns`, {id} is a primary key that the database counts up, {exact} follows the type of a text column
    that is compared byte by byte, {truth} is the type of 0 and 1.
    """
    statement = f"CREATE TABLE IF NOT EXISTS {name} ({columns}) {{end}}"
    for word, meaning in _WORDS[connection.dialect.name].items():
        statement = statement.replace(word, meaning)
    connection.exec_driver_sql(statement)
