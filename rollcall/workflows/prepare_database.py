"""Make the database ready to be served from, and say why it is not yet."""

import asyncio
from collections.abc import Callable

from rollcall.core.errors import RollcallError
from rollcall.core.ports import Gallery


class PrepareDatabase:
    """Creates what is missing and fills the gallery."""

    def __init__(self, *, migrate: Callable[[], object], gallery: Gallery) -> None:
        self._migrate = migrate
        self._gallery = gallery
        self._problem: str | None = "The database is being prepared."
        self.prepared = asyncio.Event()

    async def run(self) -> None:
        """Try once.

        Raises:
            DatabaseError: as it says; try again later.
        """
        try:
            await asyncio.to_thread(self._migrate)
            await self._gallery.refresh()
        except RollcallError as error:
            self._problem = error.message
            raise
        self._problem = None
        self.prepared.set()

    def problem(self) -> str | None:
        """Why the database cannot be served from yet; None once it can."""
        return self._problem
