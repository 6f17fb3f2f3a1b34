"""The database for commands that nobody waits for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from db.connect import Waits, missing_file
from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.core.errors import DatabaseError
from rollcall.core.settings import Settings

# A server may be in the middle of something, and a person at the keyboard can wait.
PATIENCE: Final = Waits(call=600, lock=120, connection=120, statement=600)


def require_database(settings: Settings) -> None:
    """Raises DatabaseError if the database is a SQLite file that does not exist."""
    missing = missing_file(settings.database_url.get_secret_value())
    if missing:
        # In the wrong folder, an empty database would be made and taken for the school's.
        raise DatabaseError(f"There is no database at {missing}, where DATABASE_URL says it is.")


@contextmanager
def patient_database(settings: Settings, *, may_create: bool = False) -> Iterator[SqlDatabase]:
    """The migrated database, closed when the block ends.

    Raises:
        DatabaseError: it is unreachable, does not allow it, or is a SQLite file that does not exist and must
            not be made.
    """
    if not may_create:
        require_database(settings)
    database = open_database(settings.database_url.get_secret_value(), pool_size=1, waits=PATIENCE)
    try:
        migrate(database)
        yield database
    finally:
        database.close()
