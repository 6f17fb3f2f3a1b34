"""What was recognised of late?"""

import asyncio
import time
from typing import Final

from rollcall.core.database_ports import Database, Records
from rollcall.core.statistics import Statistics, first_hour, statistics_of

KEPT_SECONDS: Final = 5.0


class ReportStatistics:
    """Counts once in KEPT_SECONDS, however many ask."""

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._turn = asyncio.Lock()
        self._latest: Statistics | None = None
        self._kept_until = 0.0

    async def run(self) -> Statistics:
        """The last 24 hours, at most some seconds old."""
        async with self._turn:
            if self._latest is None or time.monotonic() > self._kept_until:
                self._latest = await self._database.run(_count)
                self._kept_until = time.monotonic() + KEPT_SECONDS
            return self._latest


def _count(records: Records) -> Statistics:
    now = records.recent.now()
    return statistics_of(now, records.recent.since(first_hour(now)))
