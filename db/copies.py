"""The database for backups: all rows of one moment, and one transaction to restore them in."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, delete, exists, select

from db import tables
from db.changes import SqlChanges
from db.copy_reading import SqlReadableTables
from db.copy_writing import SqlWritableTables
from db.engine import SqlDatabase
from db.known_faces import SqlKnownFaces
from db.locking import lock
from rollcall.core.audit import Action, Detail
from rollcall.core.records import EVERYTHING


class SqlCopies:
    """Implements core.backup_ports.Copies."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    @property
    def kind(self) -> str:
        """`sqlite` or `mysql`."""
        return self._database.kind

    @contextmanager
    def reading(self) -> Iterator[SqlReadableTables]:
        """The tables as they are now, whatever others write until the block ends."""
        with self._database.connection() as connection:
            _hold_still(connection)
            if connection.dialect.name == "mysql":
                connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            else:
                # SQLite holds still from the first read on.
                connection.execute(select(tables.state.c.Name)).all()
            yield SqlReadableTables(connection)

    def note(self, action: Action, **details: Detail) -> None:
        """Append to the audit, in a transaction of its own."""
        self._database.run_sync(lambda records: records.audit.add(action, None, by=None, **details))

    @contextmanager
    def writing(self) -> Iterator[SqlWritableTables]:
        """Committed when the block ends, with a note in the change table that everything changed; rolled back
        when it raises.
        """
        with self._database.connection() as connection:
            _hold_still(connection)
            # On MySQL the moment that this transaction reads is that of its first read behind the lock.
            lock(connection)
            _remove_orphans(connection)
            yield SqlWritableTables(connection)
            # Of faces that were there and that the archive lacks; their Ids will be given to new ones.
            _remove_orphans(connection)
            SqlKnownFaces(connection).forget_all()
            SqlChanges(connection).append([EVERYTHING])


def _remove_orphans(connection: Connection) -> None:
    """Somebody else deleted their faces. A restored face of the same Id would inherit them."""
    for table in tables.OF_A_PICTURE:
        has_face = exists().where(tables.face_data.c.Id == table.c.FaceId)
        connection.execute(delete(table).where(~has_face))


def _hold_still(connection: Connection) -> None:
    """Let every read of the transaction see the same moment. SQLite's do that by themselves."""
    if connection.dialect.name == "mysql":
        connection.execution_options(isolation_level="REPEATABLE READ")
