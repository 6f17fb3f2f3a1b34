"""What would change with another model? Two are compared by the gallery's faces and by recognitions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rollcall.core.calibration import Calibrations
from rollcall.core.comparisons import Recognitions, tally
from rollcall.core.database_ports import Database, Records
from rollcall.core.errors import InvalidRequest
from rollcall.core.faces import Embeddings, metric_of
from rollcall.core.pairs import Separation, draw_pairs, separate
from rollcall.core.people import PersonKey
from rollcall.core.rank_one import Rank1, compare_rank1, numbered

MAX_FACES: Final = 20_000  # with two models of 512 numbers, 80 MB
READ_SECONDS: Final = 600.0  # a large gallery from a distant database
_SEED: Final = 20

_Kind: TypeAlias = tuple[str, int]  # a model, and how many numbers its embeddings have


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryComparison:
    """What two models make of the faces that have embeddings by both.

    `faces` were compared of `faces_by_both`: whole persons, drawn at random where they are too many.
    """

    faces: int
    faces_by_both: int
    people: int
    rank1: Rank1
    all_pairs: bool
    old: Separation
    new: Separation


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelComparison:
    """`gallery` is None where no face has embeddings by both models, `recognitions` without any."""

    gallery: GalleryComparison | None
    recognitions: Recognitions | None
    calibrations: Calibrations


@dataclass(frozen=True, slots=True, kw_only=True)
class _Census:
    """Which faces have embeddings of which kind, and whose they are."""

    face_ids: dict[_Kind, NDArray[np.int64]]  # ascending
    people: dict[int, PersonKey]

    def of(self, model: str) -> tuple[_Kind, NDArray[np.int64]] | None:
        """Of the length that most have: a pack may have been replaced by another of the same name."""
        kinds = [kind for kind in self.face_ids if kind[0] == model]
        best = max(kinds, key=lambda kind: len(self.face_ids[kind]), default=None)
        return None if best is None else (best, self.face_ids[best])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Faces:
    """Faces with embeddings by both models: row i of either is of `people[i]`."""

    people: Sequence[PersonKey]
    old: Embeddings
    new: Embeddings
    of: int  # so many there are in all


class CompareModels:
    """Compares the models of one database, in this thread."""

    def __init__(self, *, database: Database, max_faces: int = MAX_FACES) -> None:
        self._database = database
        self._max_faces = max_faces

    def run(self, old: str, new: str) -> ModelComparison:
        """Compare all that is stored of these two.

        Raises:
            InvalidRequest: they are one model, or nothing is stored of one of them.
        """
        if old == new:
            raise InvalidRequest("--from and --to must be two models.")
        census = self._database.run_sync(lambda records: _census(records, {old, new}), READ_SECONDS)
        self._require_known(census, old, new)
        recognitions = self._database.run_sync(
            lambda records: tally(old, new, records.comparisons.between(old, new)), READ_SECONDS
        )
        calibrations = self._database.run_sync(_calibrations)
        return ModelComparison(
            gallery=self._gallery(census, old, new, calibrations),
            recognitions=recognitions,
            calibrations=calibrations,
        )

    def _require_known(self, census: _Census, *models: str) -> None:
        compared = self._database.run_sync(lambda records: records.comparisons.models())
        for model in models:
            if census.of(model) is None and model not in compared:
                raise InvalidRequest(
                    f"Nothing is stored of the model {model}: no face has its embedding, and no recognition "
                    f"was compared by it. Is the name right? SHADOW_MODEL={model} makes a server do both."
                )

    def _gallery(
        self, census: _Census, old: str, new: str, calibrations: Calibrations
    ) -> GalleryComparison | None:
        of_old, of_new = census.of(old), census.of(new)
        if of_old is None or of_new is None:
            return None
        both = np.intersect1d(of_old[1], of_new[1])
        chosen = _whole_persons(both, census.people, self._max_faces)
        faces = self._database.run_sync(
            lambda records: _read(records, chosen, of_old[0], of_new[0], len(both)), READ_SECONDS
        )
        return _compare(faces, old, new, calibrations) if faces.people else None


def _census(records: Records, models: set[str]) -> _Census:
    """Reads every embedding and keeps none."""
    found: dict[_Kind, list[NDArray[np.int64]]] = {}
    people: dict[int, PersonKey] = {}
    for block in records.faces.embeddings():
        if block.model in models:
            found.setdefault((block.model, block.vectors.shape[1]), []).append(block.face_ids)
            people.update(zip(block.face_ids.tolist(), block.people, strict=True))
    return _Census(
        face_ids={kind: np.unique(np.concatenate(ids)) for kind, ids in found.items()}, people=people
    )


def _whole_persons(face_ids: NDArray[np.int64], people: dict[int, PersonKey], most: int) -> NDArray[np.int64]:
    """At most so many of the faces, ascending: all of a person's or none."""
    if len(face_ids) <= most:
        return face_ids
    numbers = numbered([people[face_id] for face_id in face_ids.tolist()])
    sizes = np.bincount(numbers)
    order = np.random.default_rng(_SEED).permutation(len(sizes))
    taken = order[np.cumsum(sizes[order]) <= most]
    return face_ids[np.isin(numbers, taken)]


def _read(records: Records, face_ids: NDArray[np.int64], old: _Kind, new: _Kind, of: int) -> _Faces:
    """The embeddings of these faces. One that is gone meanwhile is left out."""
    vectors = {kind: np.zeros((len(face_ids), kind[1]), dtype=np.float32) for kind in (old, new)}
    found = {kind: np.zeros(len(face_ids), dtype=np.bool_) for kind in (old, new)}
    people: dict[int, PersonKey] = {}
    for block in records.faces.embeddings(face_ids.tolist()):
        kind = (block.model, block.vectors.shape[1])
        if kind in vectors:
            rows = np.searchsorted(face_ids, block.face_ids)
            vectors[kind][rows] = block.vectors
            found[kind][rows] = True
            people.update(zip(rows.tolist(), block.people, strict=True))
    whole = np.flatnonzero(found[old] & found[new])
    return _Faces(
        people=[people[row] for row in whole.tolist()],
        old=vectors[old][whole],
        new=vectors[new][whole],
        of=of,
    )


def _calibrations(records: Records) -> Calibrations:
    return Calibrations(stored={entry.model: entry.calibration for entry in records.calibrations.all()})


def _compare(faces: _Faces, old: str, new: str, calibrations: Calibrations) -> GalleryComparison:
    numbers = numbered(faces.people)
    pairs = draw_pairs(numbers)
    by_old, by_new = (
        separate(model, calibrations.of(model), vectors, metric_of(model), pairs)
        for model, vectors in ((old, faces.old), (new, faces.new))
    )
    return GalleryComparison(
        faces=len(faces.people),
        faces_by_both=faces.of,
        people=int(numbers.max()) + 1,
        rank1=compare_rank1(faces.people, faces.old, faces.new, metric_of(old), metric_of(new)),
        all_pairs=pairs.complete,
        old=by_old,
        new=by_new,
    )
