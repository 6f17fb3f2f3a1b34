"""How well does a model tell people apart, and which threshold should it have?"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rollcall.core.audit import Action
from rollcall.core.calibration import Calibration, CalibrationSource
from rollcall.core.database_ports import Database
from rollcall.core.error_rates import ErrorRates
from rollcall.core.errors import InvalidRequest, ModelNotLoaded, NoFaceDetected, RollcallError
from rollcall.core.faces import Embedding, ReadRequest, Subjects, metric_of
from rollcall.core.imports import PHOTO_SUFFIXES
from rollcall.core.logistic_fit import fit_logistic
from rollcall.core.matching import similarities
from rollcall.core.people import fold_code
from rollcall.core.ports import FaceReader, Models
from rollcall.core.records import StoredCalibration


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """One picture of a person; `code` is its folder's name."""

    code: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPhoto:
    """The embedding of the largest face, or why there is none."""

    photo: Photo
    outcome: Embedding | RollcallError


@dataclass(frozen=True, slots=True, kw_only=True)
class Extreme:
    """A pair that lies nearest to the other kind: the codes of its people, one or two."""

    similarity: float
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """All pairs of the pictures of a folder, by one model."""

    model: str
    people: int
    pictures: int
    rates: ErrorRates
    least_alike: Extreme  # of one person
    most_alike: Extreme  # of two people


def photos_in(folder: Path) -> list[Photo]:
    """Every picture of every person's folder, in order of their names.

    Raises:
        InvalidRequest: there is no such folder, or there are too few pictures for a pair of either kind.
    """
    try:
        people = [entry for entry in sorted(folder.iterdir()) if entry.is_dir()]
        photos = [Photo(code=who.name, path=path) for who in people for path in sorted(who.iterdir())]
    except OSError as error:
        raise InvalidRequest(f"The folder of people cannot be read: {type(error).__name__}.") from error
    found = [photo for photo in photos if photo.path.suffix.lower() in PHOTO_SUFFIXES]
    require_pairs(photo.code for photo in found)
    return found


def require_pairs(codes: Iterable[str]) -> None:
    """Raises InvalidRequest unless these pictures' codes make pairs of one person and of two."""
    pictures = Counter(fold_code(code) for code in codes)
    if len(pictures) < 2:
        raise InvalidRequest("There must be pictures of at least two people, in a folder for each of them.")
    if max(pictures.values()) < 2:
        raise InvalidRequest("At least one person must have two pictures.")


def compare(model: str, faces: Sequence[tuple[str, Embedding]]) -> Pairs:
    """Compare every face with every other, as the gallery would.

    Raises:
        InvalidRequest: there are too few faces for a pair of either kind.
    """
    require_pairs(code for code, _ in faces)
    names = [code for code, _ in faces]
    codes = np.array([fold_code(code) for code in names])
    vectors = np.stack([vector for _, vector in faces])
    same, different = [], []
    least = Extreme(similarity=np.inf, codes=())
    most = Extreme(similarity=-np.inf, codes=())
    for i in range(1, len(faces)):
        found = np.minimum(similarities(vectors[:i], vectors[i], metric_of(model)), 1)
        alike = codes[:i] == codes[i]
        same.append(found[alike])
        different.append(found[~alike])
        if alike.any() and (lowest := float(found[alike].min())) < least.similarity:
            least = Extreme(similarity=lowest, codes=(names[i],))
        if not alike.all() and (highest := float(found[~alike].max())) > most.similarity:
            other = np.flatnonzero(~alike)[int(found[~alike].argmax())]
            most = Extreme(similarity=highest, codes=(names[other], names[i]))
    return Pairs(
        model=model,
        people=len(set(codes)),
        pictures=len(faces),
        rates=ErrorRates(same=np.concatenate(same), different=np.concatenate(different)),
        least_alike=least,
        most_alike=most,
    )


def calibrate(rates: ErrorRates, max_false_accept_rate: float) -> Calibration:
    """The curve that fits, and the operating point for this rate.

    Raises:
        InvalidRequest: pairs of one person are no more alike than pairs of two.
    """
    midpoint, slope = fit_logistic(rates.same, rates.different)
    if slope <= 0:
        raise InvalidRequest(
            "Pictures of one person are no more alike than those of two. Does each folder show one person?"
        )
    return Calibration(
        midpoint=midpoint,
        slope=slope,
        operating_point=rates.operating_point(max_false_accept_rate),
        source=CalibrationSource.STORED,
    )


class Evaluate:
    """Reads a folder of people with the active model, and stores what came of it."""

    def __init__(self, *, models: Models, faces: FaceReader, database: Database) -> None:
        self._models = models
        self._faces = faces
        self._database = database

    async def read(self, photos: Sequence[Photo]) -> AsyncIterator[ReadPhoto]:
        """One result a photo, as they come.

        Raises:
            ModelNotLoaded: the model is gone.
        """
        model = self._models.active().name
        for photo in photos:
            yield ReadPhoto(photo=photo, outcome=await self._embed(photo.path, model))

    async def _embed(self, path: Path, model: str) -> Embedding | RollcallError:
        try:
            picture = await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            return InvalidRequest(f"The picture cannot be read: {type(error).__name__}.")
        try:
            reading = await self._faces.read(
                ReadRequest(picture=picture, model=model, embed=Subjects.LARGEST)
            )
        except ModelNotLoaded:
            raise
        except RollcallError as error:
            return error
        embedded = (face.embedding for face in reading.faces if face.embedding is not None)
        return next(embedded, NoFaceDetected())

    def store(self, pairs: Pairs, calibration: Calibration) -> None:
        """Servers on this database take it into use by themselves. Blocks on the database."""
        same_pairs, different_pairs = len(pairs.rates.same), len(pairs.rates.different)
        with self._database.transaction() as records:
            records.calibrations.put(
                StoredCalibration(
                    model=pairs.model,
                    calibration=calibration,
                    same_pairs=same_pairs,
                    different_pairs=different_pairs,
                )
            )
            records.audit.add(
                Action.CALIBRATION_STORED,
                model=pairs.model,
                operating_point=calibration.operating_point,
                same_pairs=same_pairs,
                different_pairs=different_pairs,
            )
