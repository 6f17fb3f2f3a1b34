"""Which rows a table has, in 16 bytes a row, so that millions can be looked up."""

from array import array
from collections.abc import Iterable, Sequence
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

    def __init__(self, entries: Iterable[tuple[int, int]], first_keys: Sequence[int] = ()) -> None:
        """`entries` are keys and Ids. A row whose key is one of `first_keys` waits to be taken by that."""
        keys, ids = array("Q"), array("q")
        for key, row_id in entries:
            keys.append(key)
            ids.append(row_id)
        by_key, by_id = np.array(keys, dtype=np.uint64), np.array(ids, dtype=np.int64)
        order = np.lexsort((by_id, by_key))
        self._keys, self._ids = by_key[order], by_id[order]
        self._all_ids = np.unique(by_id)
        waits = np.isin(by_key, np.array(first_keys, dtype=np.uint64))
        self._waiting = np.isin(self._all_ids, by_id[waits])
        self._taken = np.zeros(len(self._all_ids), dtype=bool)

    @property
    def last_id(self) -> int:
        return int(self._all_ids[-1]) if len(self._all_ids) else 0

    def has_id(self, row_id: int) -> bool:
        place = self._index(row_id)
        return place < len(self._all_ids) and bool(self._all_ids[place] == row_id)

    def find(self, key: int) -> int | None:
        """The lowest Id of this key; None if there is none."""
        place = self._place(key)
        return int(self._ids[place]) if self._is_at(place, key) else None

    def take(self, keys: Sequence[int]) -> int | None:
        """The lowest Id of the first key that has one which was not taken before; None if there is none left.

        A row that waits for another to take it by its first key is left to that one.
        """
        for number, key in enumerate(keys):
            place = self._place(key)
            while self._is_at(place, key):
                row_id = int(self._ids[place])
                index = self._index(row_id)
                if not self._taken[index] and (number == 0 or not self._waiting[index]):
                    self._taken[index] = True
                    return row_id
                place += 1
        return None

    def _index(self, row_id: int) -> int:
        return int(np.searchsorted(self._all_ids, row_id))

    def _place(self, key: int) -> int:
        return int(np.searchsorted(self._keys, np.uint64(key)))

    def _is_at(self, place: int, key: int) -> bool:
        return place < len(self._keys) and int(self._keys[place]) == key
