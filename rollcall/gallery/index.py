"""All faces of the gallery, and how the answers of several models are put together."""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from rollcall.core.faces import Embedding, Embeddings
from rollcall.core.matching import Match, Thresholds
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import StoredEmbeddings
from rollcall.gallery.rows import Rows
from rollcall.gallery.shelf import Shelf

# By length too: a pack replaced by another of the same name must not break the gallery.
_Shelves: TypeAlias = dict[tuple[str, int], Shelf]


class Index:
    """An immutable set of embeddings, by face and model. Any number of threads may search it."""

    def __init__(self, stored: Iterable[StoredEmbeddings] = ()) -> None:
        self._shelves = _replaced({}, (), stored)
        self._views: dict[str, tuple[Shelf, ...]] = {}

    def changed(self, face_ids: Collection[int], stored: Iterable[StoredEmbeddings]) -> "Index":
        """The same, with what is stored of these faces in place of all that there was of them."""
        index = Index()
        index._shelves = _replaced(self._shelves, face_ids, stored)
        return index

    def models_besides(self, active: str, only: PersonType | None) -> frozenset[str]:
        """See core.ports.Gallery.models_besides."""
        return frozenset(
            shelf.model for shelf in self._view(active) if shelf.model != active and shelf.has(only)
        )

    def counts(self) -> dict[str, int]:
        """How many faces there are of each model."""
        found = Counter[str]()
        for shelf in self._shelves.values():
            found[shelf.model] += len(shelf.face_ids)
        return found

    def faces_of(self, model: str) -> StoredEmbeddings | None:
        """See core.ports.Gallery.faces_of."""
        shelves = [shelf for shelf in self._shelves.values() if shelf.model == model]
        if not shelves:
            return None
        return max(shelves, key=lambda shelf: len(shelf.face_ids)).contents()

    def rank(
        self,
        probes: Mapping[str, Embedding],
        thresholds: Thresholds,
        *,
        only: PersonType | None = None,
        limit: int = 1000,
    ) -> list[Match]:
        """See core.ports.Gallery.rank."""
        shelves = self._view(thresholds.active_model)
        return _ranked(shelves, probes, thresholds, only=only, limit=limit)

    def compare(
        self, probes: Mapping[str, Embedding], person: PersonKey, thresholds: Thresholds
    ) -> Match | None:
        """See core.ports.Gallery.compare."""
        found = (shelf.of_person(person) for shelf in self._view(thresholds.active_model))
        shelves = [shelf for shelf in found if shelf is not None]
        return next(iter(_ranked(shelves, probes, thresholds, only=None, limit=1)), None)

    def likest_others(
        self, model: str, probes: Embeddings, people: Sequence[PersonKey]
    ) -> list[tuple[PersonKey, float] | None]:
        """See core.ports.Gallery.likest_others."""
        shelf = self._shelves.get((model, probes.shape[1]))
        return [None] * len(people) if shelf is None else shelf.likest_others(probes, people)

    def _view(self, active: str) -> tuple[Shelf, ...]:
        """The active model's shelves whole, and of the others the faces which that model lacks."""
        view = self._views.get(active)
        if view is None:
            # Two threads may do this at once, and come to the same.
            view = self._views[active] = self._make_view(active)
        return view

    def _make_view(self, active: str) -> tuple[Shelf, ...]:
        first = [shelf for shelf in self._shelves.values() if shelf.model == active]
        covered = np.concatenate([shelf.face_ids for shelf in first] or [np.empty(0, dtype=np.int64)])
        rest = [shelf.without(covered) for shelf in self._shelves.values() if shelf.model != active]
        return (*first, *(shelf for shelf in rest if shelf is not None))


def _replaced(shelves: _Shelves, face_ids: Collection[int], stored: Iterable[StoredEmbeddings]) -> _Shelves:
    """Shelves with what is stored of these faces in place of what they had of them."""
    new: dict[tuple[str, int], deque[Rows]] = {}
    for block in stored:
        new.setdefault((block.model, block.vectors.shape[1]), deque()).append(Rows.of(block))
    gone = np.array(sorted(face_ids), dtype=np.int64)
    found = {key: shelf.changed(gone, new.pop(key, deque())) for key, shelf in shelves.items()}
    found.update((key, Shelf.of(key[0], pieces)) for key, pieces in new.items())
    return {key: shelf for key, shelf in found.items() if shelf is not None}


def _ranked(
    shelves: Iterable[Shelf],
    probes: Mapping[str, Embedding],
    thresholds: Thresholds,
    *,
    only: PersonType | None,
    limit: int,
) -> list[Match]:
    best: dict[PersonKey, Match] = {}

    def order(match: Match) -> tuple[bool, float, float]:
        # Similarities of two models do not compare; their probabilities do.
        return thresholds.accepts(match), match.confidence, match.similarity

    for shelf in shelves:
        if shelf.model not in probes:
            continue
        calibration = thresholds.calibrations.of(shelf.model)
        for person, product in shelf.nearest(probes[shelf.model], only=only, limit=limit):
            # A vector's product with itself may exceed 1 by a rounding.
            similarity = min(1.0, product)
            confidence = calibration.confidence(similarity)
            match = Match(person=person, model=shelf.model, similarity=similarity, confidence=confidence)
            if person not in best or order(match) > order(best[person]):
                best[person] = match
    return sorted(best.values(), key=order, reverse=True)[:limit]
