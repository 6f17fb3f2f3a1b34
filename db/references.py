"""Foreign keys, whoever made them, and what the database does by itself because of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

# Read here and not by SQLAlchemy's inspector, which overlooks ON DELETE behind a column on SQLite, and tables
# of other databases on MySQL.
_ON_SQLITE: Final = text(
    'SELECT DISTINCT m.name, k."table", k.on_delete'
    " FROM sqlite_master AS m JOIN pragma_foreign_key_list(m.name) AS k WHERE m.type = 'table'"
)
_ON_MYSQL: Final = text(
    "SELECT IF(CONSTRAINT_SCHEMA = DATABASE(), TABLE_NAME, CONCAT(CONSTRAINT_SCHEMA, '.', TABLE_NAME)),"
    " IF(UNIQUE_CONSTRAINT_SCHEMA = DATABASE(), REFERENCED_TABLE_NAME,"
    " CONCAT(UNIQUE_CONSTRAINT_SCHEMA, '.', REFERENCED_TABLE_NAME)), DELETE_RULE"
    " FROM information_schema.REFERENTIAL_CONSTRAINTS"
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
    """Those that the account may see."""
    query = _ON_SQLITE if connection.dialect.name == "sqlite" else _ON_MYSQL
    return [
        Reference(table=table, target=target, on_delete=rule.upper())
        for table, target, rule in connection.execute(query)
    ]


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
