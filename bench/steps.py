"""Where the time goes: one picture in this process, step by step, with nothing beside it."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.packs import BenchPack
from bench.school import enrol
from bench.values import Step
from db.engine import SqlDatabase, open_database
from rollcall.compose import model_cache
from rollcall.core.errors import RollcallError
from rollcall.core.faces import Embedding, Reading, ReadRequest, Subjects
from rollcall.core.matching import Thresholds
from rollcall.core.records import RecognitionAttempt
from rollcall.core.settings import Settings
from rollcall.gallery.gallery import FaceGallery
from runners.aligner import align
from runners.models import ModelCache
from runners.picture import decode


def measure(pack: BenchPack, picture: bytes, enrolled: int, repetitions: int) -> list[Step]:
    """Median times. What has no door of its own is the difference of two readings."""
    settings = Settings(model_dir=pack.model_dir, insightface_model=pack.name, auto_download_models=False)
    models = model_cache(settings)

    face = _read(models, pack.name, picture, Subjects.LARGEST).faces[0]
    assert face.embedding is not None
    pixels = decode(picture).pixels
    decoding, finding, reading, aligning = _medians_ms(
        repetitions,
        lambda: decode(picture),
        lambda: _read(models, pack.name, picture, Subjects.NONE),
        lambda: _read(models, pack.name, picture, Subjects.LARGEST),
        lambda: align(pixels, face.landmarks),
    )
    return [
        Step(name="decode", ms=decoding),
        Step(name="detect", ms=finding - decoding),
        Step(name="align", ms=aligning),
        Step(name="embed", ms=reading - finding - aligning),
        *_records(pack, face.embedding, enrolled, repetitions),
    ]


def _read(models: ModelCache, model: str, picture: bytes, embed: Subjects) -> Reading:
    [answer] = models.read([ReadRequest(picture=picture, model=model, embed=embed)])
    if isinstance(answer, RollcallError):
        raise answer
    return answer


def _records(pack: BenchPack, probe: Embedding, enrolled: int, repetitions: int) -> list[Step]:
    """What a recognition does beside reading the picture."""
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'rollcall.db'}"
        enrol(url, pack.name, pack.dimensions, enrolled)
        database = open_database(url, 1)
        try:
            return _gallery_and_log(database, pack.name, probe, repetitions)
        finally:
            database.close()


def _gallery_and_log(database: SqlDatabase, model: str, probe: Embedding, repetitions: int) -> list[Step]:
    gallery = FaceGallery(database, limit=60)
    gallery.follow()
    thresholds = Thresholds(active_model=model, min_similarity=0.6)
    [nearest] = gallery.rank({model: probe}, thresholds)
    attempt = RecognitionAttempt(person=None, confidence=0.0, processing_time_ms=0)

    def log() -> None:
        with database.transaction() as records:
            records.log.add([attempt])
            records.people.names([nearest.person])

    refreshing, ranking, logging = _medians_ms(
        repetitions, gallery.follow, lambda: gallery.rank({model: probe}, thresholds), log
    )
    return [
        Step(name="gallery: look for changes", ms=refreshing),
        Step(name="gallery: the nearest face", ms=ranking),
        Step(name="database: the log's row, and a name", ms=logging),
    ]


def _medians_ms(repetitions: int, *steps: Callable[[], object]) -> list[float]:
    """The median time of each step; they take turns, so that a slow moment does not fall on one alone."""
    times: list[list[float]] = [[] for _ in steps]
    for repetition in range(repetitions + 1):
        for step, found in zip(steps, times, strict=True):
            begun = time.perf_counter()
            step()
            elapsed = time.perf_counter() - begun
            if repetition:  # the first one warms up
                found.append(1000 * elapsed)
    return [median(found) for found in times]
