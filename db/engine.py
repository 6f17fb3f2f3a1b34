"""Where transactions begin."""

import asyncio
import contextvars
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine, QueuePool, event, select
from sqlalchemy.pool import ConnectionPoolEntry

from db.connect import WAITS, Waits, make_engine
from db.faults import DRIVER_ERRORS, passes, translated, unreadable
from db.people import PersonRows
from db.records import SqlRecords
from rollcall.core.errors import DatabaseError
from rollcall.core.figures import PoolFigures
from rollcall.core.observing import UNOBSERVED, Observer, Step

T = TypeVar("T")

# Seconds to wait before a transaction that the database gave up is tried again.
PAUSES: Final = (0.02, 0.2, 1.0)


class SqlDatabase:
    """A SQLite file or a MySQL database. All of it blocks but `run`, which has threads of its own."""

    def __init__(self, engine: Engine, pool_size: int, waits: Waits, observer: Observer = UNOBSERVED) -> None:
        self._engine = engine
        self._observer = observer
        self._pool_size = pool_size
        self._waits = waits
        self._closed = False
        self._person_rows = PersonRows()
        event.listen(engine, "checkin", self._returned)
        # As many as there are connections. Not asyncio's threads: a slow database must not take those.
        self._threads = ThreadPoolExecutor(pool_size, thread_name_prefix="database")

    @property
    def kind(self) -> str:
        """`sqlite` or `mysql`."""
        return self._engine.dialect.name

    @property
    def use(self) -> PoolFigures:
        """How many of its connections are in use now; never waits."""
        pool = self._engine.pool
        in_use = pool.checkedout() if isinstance(pool, QueuePool) else 0
        return PoolFigures(in_use=in_use, limit=self._pool_size)

    async def run(self, work: Callable[[SqlRecords], T]) -> T:
        """Do `work` in a transaction, in a thread; see `run_sync`. Ends within `Waits.call` seconds.

        When this is cancelled, nothing is committed any more that is not being committed already.
        """
        deadline = _Deadline(time.monotonic() + self._waits.call)
        with self._observer.step(Step.DATABASE):
            context = contextvars.copy_context()
            future = self._threads.submit(context.run, lambda: self._attempts(work, deadline))
            try:
                return await asyncio.wait_for(asyncio.wrap_future(future), self._waits.call)
            except TimeoutError:
                raise _too_late() from None
            except asyncio.CancelledError:
                deadline.at = 0.0
                raise

    def run_sync(self, work: Callable[[SqlRecords], T], limit: float | None = None) -> T:
        """Do `work` in a transaction, and again if the database gave it up or closed the connection.

        So `work` must have no effect but on the records. It is not done again where the connection was lost
        while committing, for then nobody knows whether it is done. Errors of its own roll back and pass.
        After `limit` seconds, `Waits.call` unless given, nothing is committed any more.

        Raises:
            DatabaseError: the database is unreachable, refused a statement or did not answer in time.
            InvalidRequest: a column cannot store a text.
        """
        seconds = self._waits.call if limit is None else limit
        with self._observer.step(Step.DATABASE):
            return self._attempts(work, _Deadline(time.monotonic() + seconds))

    def _attempts(self, work: Callable[[SqlRecords], T], deadline: "_Deadline") -> T:
        for pause in PAUSES:
            try:
                return self._attempt(work, deadline)
            except _GaveUp as gave_up:
                if self._closed or time.monotonic() + pause > deadline.at:
                    raise translated(gave_up.error) from None
            time.sleep(pause)
        try:
            return self._attempt(work, deadline)
        except _GaveUp as gave_up:
            raise translated(gave_up.error) from None

    def _attempt(self, work: Callable[[SqlRecords], T], deadline: "_Deadline") -> T:
        committing = False
        try:
            with self._connect() as connection:
                deadline.require()
                result = work(SqlRecords(connection, self._person_rows))
                # The caller has been told by now that it failed.
                deadline.require()
                committing = True
                connection.commit()
                return result
        except DRIVER_ERRORS as error:
            if passes(error) and not committing:
                raise _GaveUp(error) from None
            raise translated(error) from None

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A transaction's bare connection, for migrations. Commits and raises as `transaction` does."""
        try:
            with self._connect() as connection:
                yield connection
                connection.commit()
        except DRIVER_ERRORS as error:
            raise translated(error) from None

    def _connect(self) -> Connection:
        try:
            return self._engine.connect()
        except TypeError:
            # What the driver says to a word in the address's query that it does not know.
            raise DatabaseError("DATABASE_URL has an option that the driver does not know.") from None
        except OSError as error:
            # A network's are the driver's own errors; these are of files, or of what is in them.
            raise unreadable(error) from None

    @contextmanager
    def transaction(self) -> Iterator[SqlRecords]:
        """Committed when the block ends, rolled back when it raises. Never tried again.

        Raises:
            DatabaseError, InvalidRequest: as `run_sync`. Other errors pass unchanged.
        """
        with self.connection() as connection:
            yield SqlRecords(connection, self._person_rows)

    def ping(self) -> None:
        """One round trip.

        Raises:
            DatabaseError: the database is unreachable.
        """
        with self.connection() as connection:
            connection.execute(select(1))

    def close(self) -> None:
        """Close the pool's connections. Those in use close when their transactions end."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()

    def _returned(self, _connection: object, record: ConnectionPoolEntry) -> None:
        """The pool that `close` emptied would keep what comes back to it."""
        if self._closed:
            record.invalidate()

    def __repr__(self) -> str:
        return f"SqlDatabase({self.kind})"


def open_database(
    url: str, pool_size: int, waits: Waits = WAITS, observer: Observer = UNOBSERVED
) -> SqlDatabase:
    """A database with at most `pool_size` connections. Connects when first used.

    Raises:
        DatabaseError: the address cannot be understood, or the SQLite file's folder cannot be made.
    """
    return SqlDatabase(make_engine(url, pool_size, waits), pool_size, waits, observer)


class _GaveUp(Exception):
    """The database gave the transaction up; it may be tried again."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class _Deadline:
    """Until when, of `time.monotonic()`, something may be committed; 0 when its caller has given it up."""

    def __init__(self, at: float) -> None:
        self.at = at

    def require(self) -> None:
        if time.monotonic() > self.at:
            raise _too_late()


def _too_late() -> DatabaseError:
    return DatabaseError("The database did not answer in time.")
