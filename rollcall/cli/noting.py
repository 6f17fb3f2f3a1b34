"""Note in the audit what was done to files, which know no transactions."""

import asyncio
import sys

from rollcall.cli.patient_database import patient_database, require_database
from rollcall.core.audit import Action, Detail
from rollcall.core.errors import DatabaseError, RollcallError
from rollcall.core.settings import Settings


async def note(settings: Settings, action: Action, **details: Detail) -> None:
    """Note what was done, where there is a database yet; says so where it cannot be noted."""
    try:
        require_database(settings)
    except DatabaseError:
        return  # a model may be fetched before the first start
    try:
        await asyncio.to_thread(_write, settings, action, details)
    except RollcallError as error:
        print(f"This is not noted in the audit: {error}", file=sys.stderr)


def _write(settings: Settings, action: Action, details: dict[str, Detail]) -> None:
    with patient_database(settings) as database:
        database.run_sync(lambda records: records.audit.add(action, None, by=None, **details))
