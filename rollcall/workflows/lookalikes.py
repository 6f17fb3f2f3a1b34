"""Does a face that is to be enrolled belong to somebody else already?"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rollcall.core.faces import Embeddings, metric_of
from rollcall.core.matching import all_similarities
from rollcall.core.people import PersonKey
from rollcall.core.ports import Gallery, Models
from rollcall.core.records import NewFace

Alike: TypeAlias = tuple[PersonKey, float] | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Faces:
    model: str
    people: Sequence[PersonKey]
    hashes: NDArray[np.int64]
    vectors: Embeddings

    @classmethod
    def of(cls, faces: Sequence[NewFace]) -> "_Faces":
        people = [face.person for face in faces]
        return cls(
            model=faces[0].model,
            people=people,
            hashes=np.array([hash(person) for person in people], dtype=np.int64),
            vectors=np.stack([face.embedding for face in faces]),
        )


class Lookalikes:
    """Asks the gallery, and with `keep` also the faces that it was asked about before.

    `keep` is for a dry run, in which those never come into the gallery; they take 2 kB each.
    """

    def __init__(self, *, models: Models, gallery: Gallery, keep: bool) -> None:
        self._models = models
        self._gallery = gallery
        self._keep = keep
        self._former: list[_Faces] = []

    async def find(self, faces: Sequence[NewFace]) -> list[Alike]:
        """For each face another person whose face is alike by the threshold of the model that answers.

        Faces that come before it in `faces` count too. Raises DatabaseError.
        """
        if not faces:
            return []
        await self._gallery.refresh()
        threshold = self._models.active().min_similarity
        found = await asyncio.to_thread(self._likest, faces)
        return [alike if alike is not None and alike[1] >= threshold else None for alike in found]

    def _likest(self, faces: Sequence[NewFace]) -> list[Alike]:
        if len({face.model for face in faces}) > 1:
            # A switch of models in between; the next faces are of one model again.
            return [None] * len(faces)
        now = _Faces.of(faces)
        best = list(self._gallery.likest_others(now.model, now.vectors, now.people))
        for former in self._former:
            _improve(best, former, now)
        _improve(best, now, now, only_before=True)
        if self._keep:
            self._former.append(now)
        return best


def _improve(best: list[Alike], former: _Faces, now: _Faces, *, only_before: bool = False) -> None:
    """Where somebody among the former is likelier, take that one; `only_before`: of those further up."""
    if former.vectors.shape[1] != now.vectors.shape[1]:
        return
    found = all_similarities(former.vectors, now.vectors, metric_of(now.model))
    found[former.hashes[:, None] == now.hashes] = -np.inf
    if only_before:
        found[np.tril_indices(len(found))] = -np.inf
    places = found.argmax(axis=0)
    for column, place in enumerate(places.tolist()):
        value, known = float(found[place, column]), best[column]
        if np.isfinite(value) and (known is None or value > known[1]):
            best[column] = former.people[place], value
