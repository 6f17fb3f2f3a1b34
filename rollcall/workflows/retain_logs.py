"""Delete what the log of recognitions, the answers and the comparisons of models need no longer keep."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from rollcall.core.database_ports import Database, LogRetention, Records
from rollcall.core.records import RemovedAttempts

logger = logging.getLogger("rollcall.retain_logs")

# Between two chunks: others who write come first.
PAUSE_SECONDS = 0.05


class RetainLogs:
    """Deletes rows of all three that are older than the days of retention; without such days, none.

    `days` is the environment's setting. The shared one, which overrides it, is read anew for each chunk.
    """

    def __init__(self, *, database: Database, days: int | None) -> None:
        self._database = database
        self._days = days

    async def round(self) -> int:
        """Go through the tables once; returns how many rows were deleted.

        Raises:
            DatabaseError: as it says; the next round takes it up again.
        """
        attempts = await self._go_through("the recognition log", lambda records: records.log_retention)
        answers = await self._go_through("the answers", lambda records: records.recognition_retention)
        comparisons = await self._go_through(
            "the comparisons of models", lambda records: records.comparison_retention
        )
        return attempts + answers + comparisons

    async def _go_through(self, what: str, old_rows: Callable[[Records], LogRetention]) -> int:
        count, last_id = 0, 0
        while (removed := await self._database.run(partial(self._remove, old_rows, last_id))) is not None:
            count += removed.count
            last_id = removed.last_id
            await asyncio.sleep(PAUSE_SECONDS if removed.count else 0)
        if count:
            logger.info("%d rows of %s were older than the retention and are deleted", count, what)
        return count

    def _remove(
        self, old_rows: Callable[[Records], LogRetention], after_id: int, records: Records
    ) -> RemovedAttempts | None:
        shared = records.settings.all().log_retention_days
        days = self._days if shared is None else shared
        if days is None:
            return None
        return old_rows(records).remove(older_than_days=days, after_id=after_id)
