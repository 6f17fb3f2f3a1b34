"""The database for commands that nobody waits for."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from db.connect import Waits
from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.core.settings import Settings

# A server may be in the middle of something, and a person at the keyboard can wait.
PATIENCE: Final = Waits(call=600, lock=120, connection=120, statement=600)


@contextmanager
def patient_database(settings: Settings) -> Iterator[SqlDatabase]:
    """The migrated database, closed when the block ends.

    Raises:
        DatabaseError: it is unreachable, or does not allow it.
    """
    # asyncio would let Ctrl-C wait until the command is done.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    database = open_database(settings.database_url.get_secret_value(), pool_size=1, waits=PATIENCE)
    try:
        migrate(database)
        yield database
    finally:
        database.close()
