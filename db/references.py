"""Foreign keys, whoever made them, and what the database does by itself because of them."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SAWarning

# SQLAlchemy's inspector overlooks ON DELETE where the reference stands behind its column.
_ON_SQLITE: Final = text(
    'SELECT DISTINCT m.name, k."table", k.on_delete'
    " FROM sqlite_master AS m JOIN pragma_foreign_key_list(m.name) AS k WHERE m.type = 'table'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A foreign key: `table` refers to `target`, and `on_delete` is what its rows suffer when theirs go."""

    table: str
    target: str
    on_delete: str

    def joins(self, table: str, target: str) -> bool:
        """Whether it is one between these tables."""
        return (self.table.lower(), self.target.lower()) == (table.lower(), target.lower())

    @property
    def deletes(self) -> bool:
        return self.on_delete == "CASCADE"

    @property
    def forbids(self) -> bool:
        return self.on_delete in ("RESTRICT", "NO ACTION")


def read_references(connection: Connection) -> list[Reference]:
    """Those of this database's tables that the account may see."""
    on_sqlite = connection.dialect.name == "sqlite"
    rows: Iterable[Any] = connection.execute(_ON_SQLITE) if on_sqlite else _on_mysql(connection)
    return [Reference(table=table, target=target, on_delete=rule.upper()) for table, target, rule in rows]


def _on_mysql(connection: Connection) -> Iterator[tuple[str, str, str]]:
    # Not from information_schema: it hides keys of tables that the account may only read.
    with warnings.catch_warnings():
        # Of types in the school's tables that SQLAlchemy does not know.
        warnings.simplefilter("ignore", SAWarning)
        found = inspect(connection).get_multi_foreign_keys()
    for (_, table), keys in found.items():
        for key in keys:
            schema, target = key["referred_schema"], key["referred_table"]
            rule = key["options"].get("ondelete", "RESTRICT")
            yield table, f"{schema}.{target}" if schema else target, rule


def acting(references: Iterable[Reference], names: Iterable[str]) -> list[Reference]:
    """By which rows are deleted or changed, on any level, when these tables lose rows."""
    left = [reference for reference in references if not reference.forbids]
    losing = {name.lower() for name in names}
    found: list[Reference] = []
    while reached := [reference for reference in left if reference.target.lower() in losing]:
        found += reached
        left = [reference for reference in left if reference not in reached]
        losing |= {reference.table.lower() for reference in reached if reference.deletes}
    return found


def referrers_first(references: Sequence[Reference], names: Iterable[str]) -> Iterator[str]:
    """An order to delete from tables in, such that none of them forbids it; as given where all are free."""
    left = list(names)
    while left:
        free = (
            name
            for name in left
            if not any(ref.joins(other, name) for ref in references for other in left if other != name)
        )
        # Tables that refer to each other in a circle have no such order.
        name = next(free, left[0])
        left.remove(name)
        yield name
