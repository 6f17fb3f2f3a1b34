"""The mathematics of the gallery: a probe is compared with every face, by one matrix product a model."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from rollcall.core.calibration import Calibration
from rollcall.core.faces import Embedding, Embeddings, metric_of
from rollcall.core.matching import Match, Thresholds, similarities
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import StoredEmbedding


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shelf:
    """The faces of one model: row i of `vectors` (n, dim) is face `face_ids[i]` of `people[owners[i]]`."""

    model: str
    vectors: Embeddings
    face_ids: NDArray[np.int64]
    owners: NDArray[np.intp]
    people: tuple[PersonKey, ...]

    @classmethod
    def of(cls, model: str, entries: Sequence[StoredEmbedding]) -> "Shelf":
        people = {entry.person: None for entry in entries}
        place = {person: i for i, person in enumerate(people)}
        return cls(
            model=model,
            vectors=np.stack([entry.vector for entry in entries]),
            face_ids=np.array([entry.face_id for entry in entries], dtype=np.int64),
            owners=np.array([place[entry.person] for entry in entries], dtype=np.intp),
            people=tuple(people),
        )

    def without(self, face_ids: NDArray[np.int64]) -> "Shelf | None":
        """The same shelf less these faces; None if nothing is left."""
        keep = ~np.isin(self.face_ids, face_ids)
        if keep.all():
            return self
        if not keep.any():
            return None
        return Shelf(
            model=self.model,
            vectors=self.vectors[keep],
            face_ids=self.face_ids[keep],
            owners=self.owners[keep],
            people=self.people,
        )

    def best(
        self, probe: Embedding, calibration: Calibration, wanted: Callable[[PersonKey], bool], limit: int
    ) -> Iterable[Match]:
        """The nearest of the wanted persons on the shelf, each once, by the most similar of their faces."""
        if probe.shape != self.vectors.shape[1:]:
            return
        best = np.full(len(self.people), -np.inf, dtype=np.float32)
        np.maximum.at(best, self.owners, similarities(self.vectors, probe, metric_of(self.model)))
        nearest = (i for i in np.argsort(-best) if np.isfinite(best[i]) and wanted(self.people[i]))
        for i in islice(nearest, limit):
            # A vector's product with itself may exceed 1 by a rounding.
            similarity = min(1.0, float(best[i]))
            yield Match(
                person=self.people[i],
                model=self.model,
                similarity=similarity,
                confidence=calibration.confidence(similarity),
            )


class Index:
    """An immutable set of embeddings, by face and model."""

    def __init__(self, entries: Iterable[StoredEmbedding]) -> None:
        by_model: dict[tuple[str, int], list[StoredEmbedding]] = {}
        for entry in entries:
            by_model.setdefault((entry.model, len(entry.vector)), []).append(entry)
        # By length too: a pack replaced by another of the same name must not break the gallery.
        self._shelves = [Shelf.of(model, found) for (model, _), found in by_model.items()]
        self._view = lru_cache(maxsize=4)(self._make_view)

    def _make_view(self, active: str) -> tuple[Shelf, ...]:
        """The active model's shelves whole, and of the others the faces which that model lacks."""
        first = [shelf for shelf in self._shelves if shelf.model == active]
        covered = np.concatenate([shelf.face_ids for shelf in first] or [np.empty(0, dtype=np.int64)])
        rest = [shelf.without(covered) for shelf in self._shelves if shelf.model != active]
        return (*first, *(shelf for shelf in rest if shelf is not None))

    def models_besides(self, active: str, only: PersonType | None) -> frozenset[str]:
        return frozenset(
            shelf.model
            for shelf in self._view(active)
            if shelf.model != active
            and (only is None or any(shelf.people[i].type is only for i in np.unique(shelf.owners)))
        )

    def rank(
        self,
        probes: Mapping[str, Embedding],
        thresholds: Thresholds,
        wanted: Callable[[PersonKey], bool],
        limit: int = 1000,
    ) -> list[Match]:
        """See core.ports.Gallery.rank."""
        best: dict[PersonKey, Match] = {}

        def order(match: Match) -> tuple[bool, float, float]:
            # Similarities of two models do not compare; their probabilities do.
            return thresholds.accepts(match), match.confidence, match.similarity

        for shelf in self._view(thresholds.active_model):
            if shelf.model not in probes:
                continue
            calibration = thresholds.calibrations.of(shelf.model)
            for match in shelf.best(probes[shelf.model], calibration, wanted, limit):
                if match.person not in best or order(match) > order(best[match.person]):
                    best[match.person] = match
        return sorted(best.values(), key=order, reverse=True)[:limit]
