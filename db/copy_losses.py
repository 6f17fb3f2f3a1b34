"""What else would be lost if a table's rows were deleted and put there anew."""

import re
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Connection, TableClause, column, inspect, literal, literal_column, select, table

from rollcall.core.backup import Columns

# Such a column tells when a row was written. `now()` is another word for the same.
_OWN_CLOCK: Final = re.compile(r"\(?(current_timestamp|now|localtime)", re.IGNORECASE)


def losses(connection: Connection, source: TableClause, columns: Columns) -> Iterator[str]:
    """In words: columns besides these that hold values, and other tables that refer to the rows."""
    known = {name.lower() for name in columns}
    for found in inspect(connection).get_columns(source.name):
        if found["name"].lower() not in known and "computed" not in found:
            yield from _values(connection, source.name, found["name"], found["default"])
    yield from _referrers(connection, source.name)


def _values(connection: Connection, name: str, other: str, default: str | None) -> Iterator[str]:
    if default is not None and _OWN_CLOCK.match(default):
        return
    cell = table(name, column(other)).c[other]
    query = select(literal(1)).where(cell.is_not(None)).limit(1)
    if default is not None:
        query = query.where(cell != literal_column(default))
    if connection.execute(query).first() is not None:
        yield f"the column {other} of {name}"


def _referrers(connection: Connection, name: str) -> Iterator[str]:
    inspector = inspect(connection)
    for other in inspector.get_table_names():
        for key in inspector.get_foreign_keys(other):
            if key["referred_table"].lower() == name.lower() and _refers(connection, other, key):
                yield f"what {other} has, which refers to {name}"
                break


def _refers(connection: Connection, name: str, key: Any) -> bool:
    """Whether a row refers by this key. One with NULL does not."""
    names = key["constrained_columns"]
    source = table(name, *map(column, names))
    query = select(literal(1)).where(*(source.c[each].is_not(None) for each in names)).limit(1)
    return connection.execute(query).first() is not None
