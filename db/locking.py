"""When a transaction begins to write.

SQLite: every transaction begins deferred, so that readers never wait. Before its first write it begins anew
with BEGIN IMMEDIATE: a transaction that has read and then writes would fail at once with "database is locked"
when another has committed in between. What was read before is then as old as under MySQL's READ COMMITTED.

MySQL: writers of faces, persons and attendance hold one row of RollcallState until they commit. Writers of
the recognition log only insert and need no lock.
"""

from sqlalchemy import Connection, Engine, event, select

from db import tables
from rollcall.core.errors import DatabaseError

_WRITING = "rollcall_writing"
_LOCKED = "rollcall_locked"
_LOCK = select(tables.state.c.Name).where(tables.state.c.Name == tables.LOCK_ROW).with_for_update()


def begin_deferred(engine: Engine) -> None:
    """Make every transaction of the engine begin without a lock."""

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.info.pop(_WRITING, None)
        connection.info.pop(_LOCKED, None)
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")


def start_writing(connection: Connection) -> None:
    """Call before any write. On SQLite waits until no other transaction writes."""
    if not connection.in_transaction():
        connection.begin()  # which forgets what the connection's last transaction did
    if connection.dialect.name != "sqlite" or connection.info.get(_WRITING):
        return
    connection.exec_driver_sql("ROLLBACK")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    connection.info[_WRITING] = True


def lock(connection: Connection) -> None:
    """Let no other transaction change faces, persons or attendance until this one ends.

    What is read afterwards is what the others have committed; what was read before may be out of date.
    """
    start_writing(connection)
    if connection.dialect.name == "sqlite" or connection.info.get(_LOCKED):
        return
    if connection.execute(_LOCK).first() is None:
        raise DatabaseError("The database has not been migrated.")
    connection.info[_LOCKED] = True
