"""Inserts that every recognition waits for."""

from collections.abc import Sequence
from typing import TypeAlias

from sqlalchemy import Connection

Row: TypeAlias = tuple[str | int | float | None, ...]


def insert_now(connection: Connection, into: str, rows: Sequence[Row]) -> None:
    """Insert the rows by one statement. `into`: the table and its columns, the last of which is the moment.

    Written out: SQLAlchemy would compile the statement anew for each number of rows, and PyMySQL would send
    the rows one by one.
    """
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    row = f"({', '.join([mark] * len(rows[0]))}, CURRENT_TIMESTAMP)"
    values = tuple(value for row in rows for value in row)
    connection.exec_driver_sql(f"INSERT INTO {into} VALUES " + ", ".join([row] * len(rows)), values)
