"""Erase a person from the database, and from its file."""

import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from db.audit import SqlAudit
from db.engine import SqlDatabase
from db.locking import lock
from db.traces import SqlTraces
from rollcall.core.audit import Action, listed
from rollcall.core.erasure import Erased, Erasure, Traces
from rollcall.core.errors import DatabaseError, PersonNotFound

_PATIENCE: Final = 10.0  # seconds


class SqlEraser:
    """Implements core.erasure.Eraser. On SQLite it waits `patience` seconds for programs that are reading.

    `before_commit` is called when nothing is left to do but the commit, after which there is no way back.
    """

    def __init__(
        self,
        database: SqlDatabase,
        patience: float = _PATIENCE,
        before_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self._database, self._patience = database, patience
        self._before_commit = before_commit

    def find(self, erasure: Erasure) -> Traces:
        """See the Protocol."""
        with self._database.connection() as connection:
            return _require_any(SqlTraces(connection, erasure).summary())

    def erase(self, erasure: Erasure) -> Erased:
        """See the Protocol."""
        with self._database.connection() as connection:
            if connection.dialect.name == "sqlite":
                # Otherwise the deleted bytes stay in the file until something else needs their place.
                connection.exec_driver_sql("PRAGMA secure_delete = ON").close()
            lock(connection)
            traces = SqlTraces(connection, erasure)
            summary = _require_any(traces.summary())
            traces.delete()
            _note(connection, erasure, summary)
            self._before_commit()
        return Erased(traces=summary, wal_emptied=self._try_to_empty_the_wal())

    def _try_to_empty_the_wal(self) -> bool | None:
        if self._database.kind != "sqlite":
            return None
        try:
            return self._empty_the_wal()
        except DatabaseError:
            # The rows are deleted all the same, and the caller needs to know which.
            return False

    def _empty_the_wal(self) -> bool:
        """SQLite's write-ahead log, and the file until that is copied to it, hold pages as they were before.

        False while another program reads them.
        """
        with self._database.connection() as connection:
            # A checkpoint is refused within a transaction.
            connection.exec_driver_sql("ROLLBACK")
            wait_ms = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
            # While a checkpoint waits by itself nobody can write.
            connection.exec_driver_sql("PRAGMA busy_timeout = 0").close()
            try:
                return self._checkpoint(connection)
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {wait_ms}").close()

    def _checkpoint(self, connection: Connection) -> bool:
        deadline = time.monotonic() + self._patience
        while connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True


def _note(connection: Connection, erasure: Erasure, erased: Traces) -> None:
    """Whom it was about is not told: the receipt says so, which others keep."""
    SqlAudit(connection).add(
        Action.ERASED,
        person_type=erasure.person.type.value,
        rows={name: count for name, count in erased.rows.items() if count},
        face_ids=listed(erased.face_ids),
        audit_entries=erased.audit_entries,
    )


def _require_any(traces: Traces) -> Traces:
    if not traces.are_any:
        raise PersonNotFound("Nothing is known of that code.")
    return traces
