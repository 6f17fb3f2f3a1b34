"""Models by name, loaded when they are first asked for."""

import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

import cv2
import numpy as np

from rollcall.core.errors import ModelNotLoaded, RollcallError
from rollcall.core.faces import FALLBACK_MODEL, ReadRequest
from rollcall.core.models import LoadedModel
from rollcall.core.observing import UNOBSERVED, Observer
from rollcall.core.settings import MODEL_NAME
from runners import sample
from runners.backends import Backend, Session, Source
from runners.detector import Detector, canvas_blob
from runners.embedder import Embedder, crop_blob
from runners.engine import Engine, FaceEngine, Result
from runners.graph import with_open_batch
from runners.legacy import LegacyEngine
from runners.memory import give_back_memory
from runners.packs import Pack, find_pack
from runners.picture import Pixels
from runners.probe import (
    MAX_COSINE_LOSS,
    MAX_SCORE_DIFFERENCE,
    Trial,
    choose,
    cosine_loss,
    opens_exactly,
    score_difference,
)

_log = logging.getLogger(__name__)


# Fewer numbers tell no school's people apart. The smallest recognisers in use give 128.
_MIN_DIMENSION: Final = 32


class _Loaded(NamedTuple):
    engine: Engine
    model: LoadedModel


class ModelCache:
    """Every model is loaded once and kept. Safe to use from several threads."""

    def __init__(
        self,
        *,
        model_dir: Path,
        threads: int,
        backend: Backend,
        fallback_allowed: bool,
        observer: Observer = UNOBSERVED,
    ) -> None:
        self._observer = observer
        self._model_dir = model_dir
        self._threads = threads
        self._backend = backend
        self._fallback_allowed = fallback_allowed
        self._loaded: dict[str, _Loaded] = {}
        # One load at a time: it takes a second or two and the most memory a server ever needs.
        self._loading = threading.Lock()

    def loaded(self, name: str) -> LoadedModel | None:
        """What is known of a model that is in memory; never waits."""
        found = self._loaded.get(name)
        return found.model if found else None

    def load(self, name: str) -> LoadedModel:
        """Load a model and warm it up. Callers that come meanwhile wait for the same load.

        Raises:
            ModelNotLoaded: it cannot be loaded. The next call tries again, for the files may have come
            meanwhile.
        """
        return self._load_once(name).model

    def engine(self, name: str) -> Engine:
        """The engine of a model, loaded and warm. Raises as `load`."""
        return self._load_once(name).engine

    def unload(self, name: str) -> None:
        """Free its memory; a batch that it is reading is read to its end. The next call for it loads anew."""
        with self._loading:
            if self._loaded.pop(name, None) is None:
                return
        give_back_memory()
        _log.info("Unloaded %s.", name)

    def _load_once(self, name: str) -> _Loaded:
        found = self._loaded.get(name)
        if found is None:
            with self._loading:
                found = self._loaded.get(name) or self._load(name)
                self._loaded[name] = found
        return found

    def read(self, requests: Sequence[ReadRequest]) -> list[Result]:
        """One result per request, in order, whatever models they name; nothing is raised."""
        results: dict[int, Result] = {}
        for name in dict.fromkeys(request.model for request in requests):
            places = [i for i, request in enumerate(requests) if request.model == name]
            answers = self._read_with(name, [requests[i] for i in places])
            results.update(zip(places, answers, strict=True))
        return [results[i] for i in range(len(requests))]

    def _read_with(self, name: str, requests: Sequence[ReadRequest]) -> list[Result]:
        try:
            engine = self.engine(name)
        except RollcallError as error:
            return [error] * len(requests)
        return engine.read(requests)

    def _load(self, name: str) -> _Loaded:
        if not MODEL_NAME.fullmatch(name):
            raise ModelNotLoaded("A model's name must be a plain folder name.")
        began = time.perf_counter()
        try:
            made = self._make(name)
            made.engine.warm_up()
        except ModelNotLoaded:
            raise
        except Exception as error:
            # What a damaged file does to the libraries has no common type.
            _log.warning("Model %s cannot be run.", name, exc_info=True)
            raise ModelNotLoaded(
                f"Model {name} cannot be run; its files may be damaged.", model=name
            ) from error
        give_back_memory()
        _log.info("Loaded %s on %s in %.1f s.", name, made.model.backend, time.perf_counter() - began)
        return made

    def _make(self, name: str) -> _Loaded:
        if name == FALLBACK_MODEL:
            if not self._fallback_allowed:
                raise ModelNotLoaded("The fallback engine is switched off (MODEL_FALLBACK=none).", model=name)
            legacy = LegacyEngine(self._observer)
            model = LoadedModel(
                name=name, backend=legacy.backend, dimension=legacy.dimension, load_id=uuid4().hex
            )
            return _Loaded(legacy, model)
        pack = find_pack(self._model_dir, name)
        detector = self._open_detector(pack)
        recogniser = self._open_recogniser(pack)
        embedder = Embedder(recogniser, scales_itself=pack.scales_itself)
        engine = FaceEngine(
            # Whoever names ONNX Runtime wants InsightFace's very results, and gets them; trimming moves
            # landmarks by up to a pixel of the detector.
            detector=Detector(detector, trim=self._backend != "onnxruntime"),
            embedder=embedder,
            backend=_named(detector, recogniser),
            observer=self._observer,
        )
        model = LoadedModel(
            name=name,
            backend=engine.backend,
            dimension=_dimension(embedder, name),
            recogniser=pack.recogniser.name,
            load_id=uuid4().hex,
        )
        return _Loaded(engine, model)

    def _open_detector(self, pack: Pack) -> Session:
        return choose(
            Trial(
                name=pack.detector.name,
                source=pack.detector,
                blob=canvas_blob(_scene_for(pack.detector_size)),
                deviation=score_difference,
                max_deviation=MAX_SCORE_DIFFERENCE,
            ),
            threads=self._threads,
            backend=self._backend,
        )

    def _open_recogniser(self, pack: Pack) -> Session:
        blob = crop_blob(sample.crops(), scales_itself=pack.scales_itself)
        source: Source = pack.recogniser
        if not pack.batches:
            opened = with_open_batch(pack.recogniser)
            if opens_exactly(source, opened, [blob[:1], blob[1:2]]):
                source = opened
            else:
                blob = blob[:1]
        return choose(
            Trial(
                name=pack.recogniser.name,
                source=source,
                blob=blob,
                deviation=cosine_loss,
                max_deviation=MAX_COSINE_LOSS,
            ),
            threads=self._threads,
            backend=self._backend,
        )


def _dimension(embedder: Embedder, name: str) -> int:
    """How many numbers the recogniser gives for a face; told by a run, for graphs may leave it open."""
    vectors = embedder.embed(sample.crops()[:1])
    if vectors.ndim != 2 or vectors.shape[1] < _MIN_DIMENSION or not np.isfinite(vectors).all():
        shape = " x ".join(map(str, vectors.shape[1:]))
        raise ModelNotLoaded(
            f"Model pack {name} has wrong dimensions: its recogniser gives {shape} numbers a face, "
            "where an embedding is wanted.",
            model=name,
        )
    return int(vectors.shape[1])


def _scene_for(size: tuple[int, int] | None) -> Pixels:
    """The drawn scene at the one size (width, height) that a graph takes, if it takes one only."""
    scene = sample.scene()
    return scene if size is None else np.asarray(cv2.resize(scene, size), np.uint8)


def _named(detector: Session, recogniser: Session) -> str:
    if detector.backend == recogniser.backend:
        return detector.backend
    return f"detector {detector.backend}, recogniser {recogniser.backend}"
