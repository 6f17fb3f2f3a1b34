"""Enrol the photos of a list, or say what that would do."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from rollcall.core.audit import Action
from rollcall.core.database_ports import Database
from rollcall.core.imports import ImportedRow, ImportOrder
from rollcall.core.observing import UNOBSERVED, Observer
from rollcall.core.ports import Gallery, Models
from rollcall.workflows.import_rules import ImportRules
from rollcall.workflows.lookalikes import Lookalikes
from rollcall.workflows.patience import Patience
from rollcall.workflows.read_photos import Item, ReadPhoto, ReadPhotos
from rollcall.workflows.store_photos import Also, Batch, StorePhotos

# Stored at once, while the next photos are read; one transaction for each would cost as much as the network.
FACES_A_WRITE: Final = 32
ROWS_A_WRITE: Final = 256
BYTES_A_WRITE: Final = 16 * 1024 * 1024
SECONDS_A_WRITE: Final = 2.0


class BulkImport:
    """What is stored is not done again, so it may be broken off at any moment and begun anew.

    A face is stored together with its photo's SHA-256, by which a photo that is in already is known.
    """

    def __init__(
        self,
        *,
        read: ReadPhotos,
        database: Database,
        gallery: Gallery,
        models: Models,
        patience: Patience,
        create_people: bool,
        observer: Observer = UNOBSERVED,
    ) -> None:
        self._read = read
        self._database = database
        self._gallery = gallery
        self._models = models
        self._patience = patience
        self._create_people = create_people
        self._observer = observer

    async def begin(self, order: ImportOrder, total: int) -> None:
        """Tell the audit."""
        if not order.dry_run:
            await self._database.run(
                lambda records: records.audit.add(
                    Action.IMPORT_BEGUN,
                    person_type=order.person_type.value,
                    mode=order.mode.value,
                    rows=total,
                )
            )

    async def run(
        self, order: ImportOrder, also: Also | None = None
    ) -> AsyncGenerator[Sequence[ImportedRow], None]:
        """Rows in the order of the list, as soon as they are stored.

        `also` is called in each transaction that stores some.

        Raises:
            InvalidRequest: the list cannot be read.
            ModelNotLoaded, Overloaded, DatabaseError: after a while of patience; what was stored stays.
        """
        rules = ImportRules(mode=order.mode, create_people=self._create_people)
        store = StorePhotos(
            database=self._database,
            lookalikes=Lookalikes(models=self._models, gallery=self._gallery, keep=order.dry_run),
            rules=rules,
            patience=self._patience,
            dry_run=order.dry_run,
            also=also,
        )
        storing: asyncio.Task[Sequence[ImportedRow]] | None = None
        try:
            async with aclosing(self._batches(order, rules)) as batches:
                async for batch in batches:
                    former, storing = storing, None
                    if former is not None:
                        yield self._told(await former)
                    storing = asyncio.create_task(store.run(batch))
            if storing is not None:
                last, storing = storing, None
                yield self._told(await last)
        finally:
            if storing is not None:
                # Broken off: what is being stored is stored or not, as a whole.
                await asyncio.gather(storing, return_exceptions=True)

    async def _batches(self, order: ImportOrder, rules: ImportRules) -> AsyncGenerator[Batch, None]:
        filling = _Filling(first=order.begin_at + 1)
        async with aclosing(self._read.all(order, rules)) as items:
            async for item in items:
                filling.add(item)
                if filling.full:
                    batch, filling = filling.batch(), _Filling(first=filling.first + len(filling.items))
                    yield batch
        if filling.items:
            yield filling.batch()

    def _told(self, rows: Sequence[ImportedRow]) -> Sequence[ImportedRow]:
        for row in rows:
            self._observer.imported(row.outcome)
        return rows


@dataclass(slots=True, kw_only=True)
class _Filling:
    first: int
    items: list[Item] = field(default_factory=list)
    faces: int = 0
    size_bytes: int = 0
    begun: float = field(default_factory=time.monotonic)

    def add(self, item: Item) -> None:
        self.items.append(item)
        if isinstance(item, ReadPhoto):
            self.faces += 1
            self.size_bytes += len(item.read.face.image)

    @property
    def full(self) -> bool:
        return (
            self.faces >= FACES_A_WRITE
            or len(self.items) >= ROWS_A_WRITE
            or self.size_bytes >= BYTES_A_WRITE
            or time.monotonic() - self.begun >= SECONDS_A_WRITE
        )

    def batch(self) -> Batch:
        return Batch(first=self.first, items=self.items)
