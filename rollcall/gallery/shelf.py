"""The faces of one model, and the mathematics of the gallery: one matrix product a probe."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rollcall.core.faces import Embedding, Embeddings, metric_of
from rollcall.core.matching import all_similarities, similarities
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import StoredEmbeddings
from rollcall.gallery.rows import BLOCK, Rows, cut, type_number

_FACES_A_PERSON = 4  # so many are looked at for each person sought, before more are


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shelf:
    """Immutable: a changed one shares the blocks that did not change.

    All blocks but the last have BLOCK rows. `face_ids`, `hashes` and `types` are those columns of all blocks;
    `shown` says which rows may be found, None for all.
    """

    model: str
    blocks: tuple[Rows, ...]
    face_ids: NDArray[np.int64]
    hashes: NDArray[np.int64]
    types: NDArray[np.int8]
    shown: NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, model: str, pieces: deque[Rows]) -> "Shelf | None":
        """A shelf of these rows, whose vectors have one length; None if there are none. Uses `pieces` up."""
        blocks = tuple(cut(pieces))
        if not blocks:
            return None
        return cls(
            model=model,
            blocks=blocks,
            face_ids=np.concatenate([block.face_ids for block in blocks]),
            hashes=np.concatenate([block.hashes for block in blocks]),
            types=np.concatenate([block.types for block in blocks]),
        )

    def changed(self, gone: NDArray[np.int64], new: Sequence[Rows]) -> "Shelf | None":
        """The same without the faces that are gone and with new rows; None if nothing is left."""
        keep = ~np.isin(self.face_ids, gone)
        if keep.all() and not new:
            return self
        whole, touched = list[Rows](), list[Rows]()
        for start, block in zip(range(0, len(keep), BLOCK), self.blocks, strict=True):
            kept = keep[start : start + BLOCK]
            if kept.all() and len(kept) == BLOCK:
                whole.append(block)
            else:
                touched.append(block.pick(kept))
        return Shelf.of(self.model, deque([*whole, *touched, *new]))

    def without(self, face_ids: NDArray[np.int64]) -> "Shelf | None":
        """The same with these faces hidden; None if nothing is left to be found."""
        shown = ~np.isin(self.face_ids, face_ids)
        return replace(self, shown=shown) if shown.any() else None

    def of_person(self, person: PersonKey) -> "Shelf | None":
        """That person's faces alone; None if there are none."""
        here = self.hashes == hash(person)
        if self.shown is not None:
            here &= self.shown
        found = (
            self.blocks[i // BLOCK].pick(slice(i % BLOCK, i % BLOCK + 1))
            for i in np.flatnonzero(here).tolist()
        )
        return Shelf.of(self.model, deque(row for row in found if row.people[0] == person))

    def contents(self) -> StoredEmbeddings:
        """All its faces, copied."""
        return StoredEmbeddings(
            model=self.model,
            face_ids=self.face_ids,
            people=[person for block in self.blocks for person in block.people],
            vectors=np.concatenate([block.vectors for block in self.blocks]),
        )

    def has(self, only: PersonType | None) -> bool:
        """Whether anybody of that type may be found here."""
        wanted = self._wanted(only)
        return wanted is None or bool(wanted.any())

    def nearest(
        self, probe: Embedding, *, only: PersonType | None, limit: int
    ) -> list[tuple[PersonKey, float]]:
        """The most similar persons, each once, by the most similar of their faces; the nearest first."""
        if probe.shape != self.blocks[0].vectors.shape[1:]:
            return []
        found = self._similarities(probe, self._wanted(only))
        count = 1 if limit == 1 else _FACES_A_PERSON * limit
        while True:
            rows = _greatest(found, count)
            people: dict[PersonKey, float] = {}
            for i in rows:
                people.setdefault(self.blocks[i // BLOCK].people[i % BLOCK], float(found[i]))
            if len(people) >= limit or len(rows) < count:
                return list(people.items())[:limit]
            count *= 8

    def likest_others(
        self, probes: Embeddings, people: Sequence[PersonKey]
    ) -> list[tuple[PersonKey, float] | None]:
        """For each probe (n, dim) the most similar face that is somebody else's; None where there is none."""
        best: list[tuple[PersonKey, float] | None] = [None] * len(people)
        if probes.shape[1:] != self.blocks[0].vectors.shape[1:]:
            return best
        own = np.array([hash(person) for person in people], dtype=np.int64)
        greatest = np.full(len(people), -np.inf, dtype=np.float32)
        for block in self.blocks:
            # All probes at once: the vectors come from memory once and not for each of them.
            found = all_similarities(block.vectors, probes, metric_of(self.model))
            found[(block.hashes[:, None] == own) | ~np.isfinite(found)] = -np.inf
            places = found.argmax(axis=0)
            values = found[places, np.arange(len(people))]
            for i in np.flatnonzero(values > greatest).tolist():
                greatest[i] = values[i]
                best[i] = block.people[places[i]], float(values[i])
        return best

    def _wanted(self, only: PersonType | None) -> NDArray[np.bool_] | None:
        if only is None:
            return self.shown
        right: NDArray[np.bool_] = self.types == type_number(only)
        return right if self.shown is None else right & self.shown

    def _similarities(self, probe: Embedding, wanted: NDArray[np.bool_] | None) -> NDArray[np.float32]:
        """(n,), -inf for rows that are not wanted."""
        metric = metric_of(self.model)
        found = np.full(len(self.face_ids), -np.inf, dtype=np.float32)
        for start, block in zip(range(0, len(found), BLOCK), self.blocks, strict=True):
            part = slice(start, start + len(block))
            if wanted is None or wanted[part].any():
                # Absurd numbers in the database overflow; infinite similarities are taken out below.
                with np.errstate(over="ignore", invalid="ignore"):
                    found[part] = similarities(block.vectors, probe, metric)
        if wanted is not None:
            found[~wanted] = -np.inf
        found[~np.isfinite(found)] = -np.inf
        return found


def _greatest(values: NDArray[np.float32], count: int) -> list[int]:
    """The places of the greatest values that are not -inf, the greatest first; at most `count`."""
    if count == 1:
        places = np.array([values.argmax()])
    else:
        places = np.argpartition(values, -count)[-count:] if count < len(values) else np.arange(len(values))
        places = places[np.argsort(-values[places])]
    found: list[int] = places[np.isfinite(values[places])].tolist()
    return found
