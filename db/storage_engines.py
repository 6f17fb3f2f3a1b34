"""Storage engines that know no transactions, such as MyISAM."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, text

_QUERY = text(
    "SELECT TABLE_NAME FROM information_schema.TABLES JOIN information_schema.ENGINES USING (ENGINE)"
    " WHERE TABLE_SCHEMA = DATABASE() AND TRANSACTIONS <> 'YES'"
)


def without_transactions(connection: Connection, names: Iterable[str]) -> Sequence[str]:
    """Those of the tables whose storage engine knows none; never one on SQLite."""
    if connection.dialect.name == "sqlite":
        return []
    # Lowered: with lower_case_table_names=1 the server tells names so.
    found = {name.lower() for name in connection.execute(_QUERY).scalars()}
    return [name for name in names if name.lower() in found]
