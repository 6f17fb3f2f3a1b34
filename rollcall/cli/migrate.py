"""`rollcall migrate`: bring the database to what this version needs."""

import argparse
import asyncio
from collections.abc import Sequence
from typing import Any

from db.engine import open_database
from db.migrate import migrate, pending_statements
from rollcall import __version__
from rollcall.core.settings import Settings

_NAMES = {"mysql": "MySQL or MariaDB", "sqlite": "SQLite"}


def add_command(commands: Any) -> None:
    command = commands.add_parser(
        "migrate",
        help="create the tables that are missing",
        description="Create the tables that are missing in the database, as the server does when it starts. "
        "Existing tables of other programs are not altered.",
    )
    command.add_argument(
        "--print",
        action="store_true",
        dest="only_print",
        help="change nothing; print the SQL for the database's administrator",
    )
    command.set_defaults(run=run)


async def run(options: argparse.Namespace, settings: Settings) -> int:
    """Migrate and say what was done, or print the statements.

    Raises:
        DatabaseError: the database is unreachable, does not allow it, or lacks columns of the users' tables.
    """
    database = open_database(settings.database_url.get_secret_value(), pool_size=1)
    try:
        if options.only_print:
            statements = await asyncio.to_thread(pending_statements, database)
            print("\n".join(script(database.kind, statements)))
            return 0
        applied = await asyncio.to_thread(migrate, database)
    finally:
        database.close()
    for migration in applied:
        print(f"Applied migration {migration.number}, {migration.name}.")
    if not applied:
        print("The database has all that this version needs.")
    return 0


def script(kind: str, statements: Sequence[str]) -> list[str]:
    """The lines of a script for the database's own command line."""
    if not statements:
        return [f"-- The database has all that Rollcall {__version__} needs."]
    return [
        f"-- What Rollcall {__version__} still needs in its {_NAMES[kind]} database; run it there.",
        *(f"{statement};" for statement in statements),
    ]
