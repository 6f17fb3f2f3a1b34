"""Models by name, loaded when they are first asked for."""

import logging
import re
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from rollcall.core.errors import ModelNotLoaded, RollcallError
from rollcall.core.faces import FALLBACK_MODEL, ReadRequest
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

# A name becomes a folder below MODEL_DIR, so it must not lead out of it.
_PLAIN_FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class ModelCache:
    """Every model is loaded once and kept. Safe to use from several threads."""

    def __init__(self, *, model_dir: Path, threads: int, backend: Backend, fallback_allowed: bool) -> None:
        self._model_dir = model_dir
        self._threads = threads
        self._backend = backend
        self._fallback_allowed = fallback_allowed
        self._engines: dict[str, Engine] = {}
        # One load at a time: it takes a second or two and the most memory a server ever needs.
        self._loading = threading.Lock()

    def loaded_engine(self, name: str) -> Engine | None:
        """The engine of a model that is in memory; never waits."""
        return self._engines.get(name)

    def engine(self, name: str) -> Engine:
        """The engine of a model, loaded and warm. Callers that come meanwhile wait for the same load.

        Raises:
            ModelNotLoaded: it cannot be loaded. The next call tries again, for the files may have come
            meanwhile.
        """
        if name not in self._engines:
            with self._loading:
                if name not in self._engines:
                    self._engines[name] = self._load(name)
        return self._engines[name]

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

    def _load(self, name: str) -> Engine:
        if not _PLAIN_FOLDER_NAME.fullmatch(name):
            raise ModelNotLoaded("A model's name must be a plain folder name.")
        began = time.perf_counter()
        try:
            engine = self._make(name)
            engine.warm_up()
        except ModelNotLoaded:
            raise
        except Exception as error:
            # What a damaged file does to the libraries has no common type.
            _log.warning("Model %s cannot be run.", name, exc_info=True)
            raise ModelNotLoaded(
                f"Model {name} cannot be run; its files may be damaged.", model=name
            ) from error
        give_back_memory()
        _log.info("Loaded %s on %s in %.1f s.", name, engine.backend, time.perf_counter() - began)
        return engine

    def _make(self, name: str) -> Engine:
        if name == FALLBACK_MODEL:
            if not self._fallback_allowed:
                raise ModelNotLoaded("The fallback engine is switched off (MODEL_FALLBACK=none).", model=name)
            return LegacyEngine()
        pack = find_pack(self._model_dir, name)
        detector = self._open_detector(pack)
        recogniser = self._open_recogniser(pack)
        return FaceEngine(
            # Whoever names ONNX Runtime wants InsightFace's very results, and gets them; trimming moves
            # landmarks by up to a pixel of the detector.
            detector=Detector(detector, trim=self._backend != "onnxruntime"),
            embedder=Embedder(recogniser, scales_itself=pack.scales_itself),
            backend=_named(detector, recogniser),
        )

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


def _scene_for(size: tuple[int, int] | None) -> Pixels:
    """The drawn scene at the one size (width, height) that a graph takes, if it takes one only."""
    scene = sample.scene()
    return scene if size is None else np.asarray(cv2.resize(scene, size), np.uint8)


def _named(detector: Session, recogniser: Session) -> str:
    if detector.backend == recogniser.backend:
        return detector.backend
    return f"detector {detector.backend}, recogniser {recogniser.backend}"
