"""Find the rows of one section that a table lacks, and their Ids there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rollcall.core.backup import NAMED, Batch, Cell, Row, Section
from rollcall.core.backup_ports import WritableTables
from rollcall.workflows.row_identity import identity_columns, keys_of
from rollcall.workflows.row_index import RowIndex


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of a section's rows: added, there already, or there and given other values."""

    added: int = 0
    kept: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An archive's row with the key that it has in the table. `is_new`: it is not there yet."""

    archived_key: Cell
    row: Row
    is_new: bool


class SectionMerge:
    """One table and what it held when the restore began."""

    def __init__(
        self,
        tables: WritableTables,
        section: Section,
        last_archived_id: int,
        first_keys: Sequence[int] = (),
    ) -> None:
        """`first_keys`: of the archive's rows, where a row of the table has to wait for its own."""
        self._tables, self._section = tables, section
        self._index = RowIndex(self._present(), first_keys)
        # No later row of the archive may find its Id taken by an earlier one that had to give up its own.
        self._last_id = max(self._index.last_id, last_archived_id)
        self.tally = Tally()

    def place(self, batch: Batch, *, once: bool = False) -> list[Placed]:
        """Every row of the batch. With `once`, a row of the table stands for only one of the archive."""
        placed = [self._placed(batch, row, once=once) for row in batch.rows]
        self.tally.kept += sum(not each.is_new for each in placed)
        return placed

    def add_missing(self, batch: Batch, *, once: bool = False) -> None:
        self.add(batch, self.place(batch, once=once))

    def add(self, batch: Batch, placed: list[Placed]) -> None:
        """Insert those that are new."""
        rows = [each.row for each in placed if each.is_new]
        self._tables.insert(replace(batch, rows=rows))
        self.tally.added += len(rows)

    def update_or_add(self, batch: Batch) -> None:
        """Give the rows that are there the archive's values, and insert the others."""
        placed = self.place(batch, once=True)
        rows = [each.row for each in placed if not each.is_new]
        self._tables.update(replace(batch, rows=rows))
        self.tally.kept -= len(rows)
        self.tally.changed += len(rows)
        self.add(batch, placed)

    def _present(self) -> Iterator[tuple[int, int]]:
        columns = identity_columns(self._section)
        for batch in self._tables.read(self._section, columns):
            for row in batch.rows:
                row_id = row[0] if isinstance(row[0], int) else 0
                for key in keys_of(self._section, dict(zip(columns, row, strict=True))):
                    yield key, row_id

    def _placed(self, batch: Batch, row: Row, *, once: bool) -> Placed:
        keys = keys_of(self._section, dict(zip(batch.columns, row, strict=True)))
        found = self._index.take(keys) if once else self._index.find(keys[0])
        if self._section in NAMED:
            return Placed(archived_key=row[0], row=row, is_new=found is None)
        here = self._free_id(row[0]) if found is None else found
        return Placed(archived_key=row[0], row=(here, *row[1:]), is_new=found is None)

    def _free_id(self, wanted: Cell) -> int:
        # MySQL takes an Id of 0 as a wish for a new one.
        if isinstance(wanted, int) and wanted > 0 and not self._index.has_id(wanted):
            return wanted
        self._last_id += 1
        return self._last_id
