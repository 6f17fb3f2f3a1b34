"""Which models are there, and how do they stand?"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from rollcall.core.database_ports import Database, Records
from rollcall.core.errors import ModelNotLoaded
from rollcall.core.models import Fingerprint, ModelEntry, ModelList, Server, StoredModel, Switch
from rollcall.core.ports import Gallery, ModelStates
from rollcall.workflows.announce import UP_SECONDS


class ListModels:
    """Puts together what the model folder, this process and the database know."""

    def __init__(
        self,
        *,
        stored: Callable[[], Sequence[StoredModel]],
        models: ModelStates,
        gallery: Gallery,
        database: Database,
    ) -> None:
        """`stored` looks into the model folder, and blocks."""
        self._stored = stored
        self._models = models
        self._gallery = gallery
        self._database = database

    async def run(self) -> ModelList:
        """Raises DatabaseError."""
        stored = await asyncio.to_thread(self._stored)
        await self._gallery.refresh()
        wanted = self._models.wanted

        def read(
            records: Records,
        ) -> tuple[Switch | None, Sequence[Server], Mapping[str, Fingerprint | None], int]:
            return (
                records.switches.latest(),
                records.servers.up(within_seconds=UP_SECONDS),
                {model.name: records.fingerprints.of(model.name) for model in stored},
                records.faces.left(wanted, limit=1, offset=0)[1],
            )

        switch, servers, fingerprints, left = await self._database.run(read)
        active = self._active()
        shared = self._gallery.shared
        return ModelList(
            models=[self._entry(model, active, fingerprints.get(model.name)) for model in stored],
            wanted=wanted,
            active=active,
            previous=shared.previous_model,
            next=shared.next_model,
            switch=switch,
            servers=servers,
            left_faces=left,
        )

    def _active(self) -> str | None:
        try:
            return self._models.active().name
        except ModelNotLoaded:
            return None

    def _entry(self, stored: StoredModel, active: str | None, known: Fingerprint | None) -> ModelEntry:
        name = stored.name
        loaded = self._models.loaded.get(name)
        download = self._models.downloads.get(name)
        dimension = loaded.dimension if loaded else known.dimension if known else None
        return ModelEntry(
            stored=stored,
            active=name == active,
            loaded=loaded is not None,
            backend=loaded.backend if loaded else None,
            dimension=dimension,
            operating_point=self._gallery.calibrations.of(name).operating_point,
            faces=self._gallery.counts().get(name, 0),
            downloaded=None if download is None else _per_cent(*download),
            problem=self._models.problems.get(name),
        )


def _per_cent(done: int, total: int | None) -> int:
    return 100 * done // total if total else -1
