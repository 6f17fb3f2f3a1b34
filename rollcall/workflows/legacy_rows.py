"""The old server's rows: what can be moved, whether what was moved is right, and the way back."""

from collections.abc import AsyncIterator, Collection

from rollcall.core.audit import Action, listed
from rollcall.core.backup_ports import Progress
from rollcall.core.database_ports import Database, Records
from rollcall.core.legacy import Looked, MovedRow, OldRow, OldRows, Outcome, RowReport


class LegacyRows:
    """`rollcall migrate-legacy plan`, `verify` and `rollback`: what needs no model."""

    def __init__(self, *, database: Database, progress: Progress) -> None:
        self._database = database
        self._progress = progress

    async def all(self, step: str) -> AsyncIterator[OldRow | MovedRow]:
        """Every row of the old server, and every moved one, in order of Id; told as progress of `step`."""
        total = await self._database.run(lambda records: records.old_descriptors.count())
        done, after = 0, 0
        while True:
            found = await self._rows(after)
            done += found.seen - len(found.rows)
            for row in found.rows:
                yield row
                done += 1
                self._progress(step, done, max(total, done))
            if found.last_id is None:
                return
            after = found.last_id

    async def plan(self) -> AsyncIterator[RowReport]:
        """What would be done with each row, as far as that is known without looking at pictures."""
        async for row in self.all("Looking"):
            yield report_moved(row) if isinstance(row, MovedRow) else _planned(row)

    async def verify(self) -> AsyncIterator[Looked]:
        """What of the moved rows is as it was written, a window after the other."""
        after: int | None = 0
        while after is not None:
            found = await self._checked(after)
            yield found
            after = found.last_id

    async def roll_back(self, face_ids: Collection[int] | None) -> AsyncIterator[Looked]:
        """Give the rows their old FaceDescriptor again, a window after the other; all of them for None."""
        after: int | None = 0
        while after is not None:
            found = await self._put_back(after, face_ids)
            yield found
            after = found.last_id

    async def _rows(self, after: int) -> OldRows:
        return await self._database.run(lambda records: records.old_descriptors.rows(after))

    async def _checked(self, after: int) -> Looked:
        return await self._database.run(lambda records: records.old_descriptors.check(after))

    async def _put_back(self, after: int, face_ids: Collection[int] | None) -> Looked:
        def put_back(records: Records) -> Looked:
            found = records.old_descriptors.put_back(after, face_ids)
            if found.right:
                records.audit.add(Action.LEGACY_UNDONE, faces=len(found.right), face_ids=listed(found.right))
            return found

        return await self._database.run(put_back)


def report_moved(row: MovedRow) -> RowReport:
    """A row that was moved before."""
    return RowReport(
        face_id=row.id,
        type=row.type,
        code=row.code,
        outcome=Outcome.CHANGED if row.changed else Outcome.MOVED,
        detail="after it was moved" if row.changed else "before",
        model=row.model,
    )


def report_old(row: OldRow, outcome: Outcome, detail: str = "", similarity: float | None = None) -> RowReport:
    """A row that has the old descriptor still."""
    return RowReport(
        face_id=row.id, type=row.type, code=row.code, outcome=outcome, detail=detail, similarity=similarity
    )


def _planned(row: OldRow) -> RowReport:
    return report_old(row, Outcome.TO_MOVE, row.source) if row.source else report_old(row, Outcome.NO_IMAGE)
