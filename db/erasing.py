"""Erase a person from the database, and from its file."""

import logging
import time
from typing import Final

from db.engine import SqlDatabase
from db.locking import lock
from db.traces import SqlTraces
from rollcall.core.erasure import Erasure, Traces

log = logging.getLogger(__name__)

_CHECKPOINT_LIMIT: Final = 10.0  # seconds


class SqlEraser:
    """Implements core.erasure.Eraser."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def find(self, erasure: Erasure) -> Traces:
        """What `erase` would delete."""
        with self._database.connection() as connection:
            return SqlTraces(connection, erasure).summary()

    def erase(self, erasure: Erasure) -> Traces:
        """Delete it, in one transaction with a note in the change table, and from SQLite's file as well.

        Raises:
            InvalidRequest: a table of the school's own refers to the rows; nothing was deleted.
        """
        with self._database.connection() as connection:
            if connection.dialect.name == "sqlite":
                # Otherwise the deleted bytes stay in the file until something else needs their place.
                connection.exec_driver_sql("PRAGMA secure_delete = ON").close()
            lock(connection)
            traces = SqlTraces(connection, erasure)
            summary = traces.summary()
            traces.delete()
        if self._database.kind == "sqlite":
            self._empty_the_wal()
        return summary

    def _empty_the_wal(self) -> None:
        """SQLite's write-ahead log holds pages as they were before."""
        deadline = time.monotonic() + _CHECKPOINT_LIMIT
        with self._database.connection() as connection:
            # A checkpoint is refused within a transaction.
            connection.exec_driver_sql("ROLLBACK")
            while connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]:
                if time.monotonic() > deadline:
                    log.warning("the database is in use: erased bytes may stay in its -wal file for now")
                    return
                time.sleep(0.1)
