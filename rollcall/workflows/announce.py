"""Let the other servers know that this one is up, which model it wants, and what it has loaded."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final

from rollcall.core.database_ports import Database

ANNOUNCE_SECONDS: Final = 5.0
# Seen within so many seconds, a server is up.
UP_SECONDS: Final = 15
FORGET_SECONDS: Final = 3600


class Announce:
    """Writes into RollcallServers every few seconds, and as soon as another model is loaded."""

    def __init__(
        self,
        *,
        database: Database,
        name: str,
        wanted: Callable[[], str],
        loaded: Callable[[], Iterable[str]],
    ) -> None:
        self._database = database
        self._name = name
        self._wanted = wanted
        self._loaded = loaded
        self._told: tuple[str, ...] | None = None
        self._when = 0.0

    async def round(self) -> None:
        """Raises DatabaseError: try again later."""
        wanted, models = self._wanted(), tuple(sorted(self._loaded()))
        if models == self._told and time.monotonic() - self._when < ANNOUNCE_SECONDS:
            return
        await self._database.run(lambda records: records.servers.seen(self._name, wanted, models))
        self._told, self._when = models, time.monotonic()

    async def leave(self) -> None:
        """At the end: nobody shall wait for this server."""
        await asyncio.shield(
            self._database.run(lambda records: records.servers.gone(self._name, stale_seconds=FORGET_SECONDS))
        )
