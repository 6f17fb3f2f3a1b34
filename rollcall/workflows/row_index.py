"""Which rows a table has, in 16 bytes a row, so that millions can be looked up."""

from array import array
from collections.abc import Iterable
from hashlib import blake2b

import numpy as np

from rollcall.core.backup import Cell


def key_of(*cells: Cell) -> int:
    """64 bits that stand for these cells.

    With 100,000 rows on both sides, the chance that any two different ones have the same is one in a billion.
    """
    text = repr(cells).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest())


class RowIndex:
    """Rows by keys, as `key_of` makes them. A row may have several keys, and several rows the same one."""

    def __init__(self, entries: Iterable[tuple[int, int]]) -> None:
        """`entries` are keys and Ids."""
        keys, ids = array("Q"), array("q")
        for key, row_id in entries:
            keys.append(key)
            ids.append(row_id)
        by_key = np.frombuffer(keys, dtype=np.uint64) if keys else np.empty(0, dtype=np.uint64)
        by_id = np.frombuffer(ids, dtype=np.int64) if ids else np.empty(0, dtype=np.int64)
        order = np.lexsort((by_id, by_key))
        self._keys, self._ids = by_key[order], by_id[order]
        self._all_ids = np.sort(by_id)
        self._taken = np.zeros(len(ids), dtype=bool)

    @property
    def last_id(self) -> int:
        return int(self._all_ids[-1]) if len(self._all_ids) else 0

    def has_id(self, row_id: int) -> bool:
        place = int(np.searchsorted(self._all_ids, row_id))
        return place < len(self._all_ids) and bool(self._all_ids[place] == row_id)

    def find(self, key: int) -> int | None:
        """The lowest Id of this key; None if there is none."""
        place = self._place(key)
        return int(self._ids[place]) if self._is_at(place, key) else None

    def take(self, key: int) -> int | None:
        """The lowest Id of this key that was not taken before; None if there is none left."""
        place = self._place(key)
        while self._is_at(place, key):
            if not self._taken[place]:
                self._taken[place] = True
                return int(self._ids[place])
            place += 1
        return None

    def _place(self, key: int) -> int:
        return int(np.searchsorted(self._keys, np.uint64(key)))

    def _is_at(self, place: int, key: int) -> bool:
        return place < len(self._keys) and int(self._keys[place]) == key
