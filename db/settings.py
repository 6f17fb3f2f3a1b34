"""RollcallSettings: the settings that all replicas share."""

from sqlalchemy import Connection, delete, func, insert, select

from db import tables
from db.changes import SqlChanges
from rollcall.core.records import SHARED
from rollcall.core.shared_settings import SharedSettings, read_shared


class SqlSettings:
    """All SQL about shared settings. The caller owns the transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> SharedSettings:
        """Those that are stored."""
        table = tables.settings
        rows = self._connection.execute(select(table.c.Name, table.c.Value))
        return read_shared({row.Name: row.Value for row in rows})

    def put(self, name: str, value: str) -> None:
        """Store it in place of the former value, and note that in the change table."""
        self.remove(name)
        values = {"Name": name, "Value": value, "ChangedDate": func.current_timestamp()}
        self._connection.execute(insert(tables.settings).values(values))

    def remove(self, name: str) -> bool:
        """Remove it, and note that in the change table; False if there was none of that name."""
        # First, for it takes the lock: two who store at once must not both insert.
        SqlChanges(self._connection).append([SHARED])
        table = tables.settings
        return self._connection.execute(delete(table).where(table.c.Name == name)).rowcount > 0
