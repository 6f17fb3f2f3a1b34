"""A pack at work: decode → detect → align → embed → quality, once, for a batch."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol, TypeAlias

import numpy as np

from rollcall.core.errors import InternalError, RollcallError
from rollcall.core.faces import Box, Embeddings, Face, Quality, Reading, ReadRequest, Subjects
from runners.aligner import CROP_SIDE, align
from runners.detector import INPUT_SIZE, Detection, Detector
from runners.embedder import Embedder
from runners.isolation import attempt
from runners.picture import Picture, Pixels, decode
from runners.quality import assess

_log = logging.getLogger(__name__)

Result: TypeAlias = Reading | RollcallError


class Engine(Protocol):
    """A loaded model: pictures in, faces out. Safe to call from several threads."""

    @property
    def backend(self) -> str:
        """What runs it: `onnxruntime` or `dlib`."""
        ...

    def warm_up(self) -> None:
        """Run everything once, so that the first request is not slow. Raises where a network cannot run."""
        ...

    def read(self, requests: Sequence[ReadRequest]) -> list[Result]:
        """One result per request, in order; what goes wrong with a picture is its result. Never raises."""
        ...


def count_of(subjects: Subjects, faces: int) -> int:
    """How many faces are meant, of those in a picture. They are ordered, so the first so many are meant."""
    return {Subjects.NONE: 0, Subjects.LARGEST: min(1, faces), Subjects.ALL: faces}[subjects]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """A picture on its way: its faces, the largest first, and crops of those to be looked at closer."""

    request: ReadRequest
    picture: Picture
    detections: Sequence[Detection]
    crops: Sequence[Pixels]

    @property
    def crops_to_embed(self) -> Sequence[Pixels]:
        return self.crops[: count_of(self.request.embed, len(self.detections))]


class FaceEngine:
    """An SCRFD detector and an ArcFace recogniser."""

    def __init__(self, *, detector: Detector, embedder: Embedder, backend: str) -> None:
        self._detector = detector
        self._embedder = embedder
        self._backend = backend

    @property
    def backend(self) -> str:
        return self._backend

    def warm_up(self) -> None:
        self._detector.detect(np.zeros((INPUT_SIZE[1], INPUT_SIZE[0], 3), np.uint8))
        self._embedder.embed([np.zeros((CROP_SIDE, CROP_SIDE, 3), np.uint8)])

    def read(self, requests: Sequence[ReadRequest]) -> list[Result]:
        scenes = [attempt(self._see, request) for request in requests]
        embeddings = self._embed(scenes)
        return [_result(scene, vectors) for scene, vectors in zip(scenes, embeddings, strict=True)]

    def _see(self, request: ReadRequest) -> _Scene:
        picture = decode(request.picture)
        detections = self._detector.detect(picture.pixels)
        closer = max(count_of(subjects, len(detections)) for subjects in (request.embed, request.assess))
        crops = [align(picture.pixels, detection.landmarks) for detection in detections[:closer]]
        return _Scene(request=request, picture=picture, detections=detections, crops=crops)

    def _embed(self, scenes: Sequence[_Scene | RollcallError]) -> list[Embeddings | RollcallError]:
        """The embeddings of each scene, from as few runs of the network as possible."""
        crops = [[] if isinstance(scene, RollcallError) else scene.crops_to_embed for scene in scenes]
        try:
            vectors = self._embedder.embed([crop for group in crops for crop in group])
        except Exception:
            # One crop may have failed the run for all: let each picture stand for itself.
            _log.warning("Embedding a batch failed; its pictures are embedded one by one.", exc_info=True)
            return [attempt(self._embedder.embed, group) for group in crops]
        ends = list(accumulate(len(group) for group in crops))
        return [vectors[end - len(group) : end] for group, end in zip(crops, ends, strict=True)]


def _result(scene: _Scene | RollcallError, embeddings: Embeddings | RollcallError) -> Result:
    if isinstance(scene, RollcallError):
        return scene
    seen = scene
    return attempt(lambda vectors: _reading(seen, vectors), embeddings)


def _reading(scene: _Scene, embeddings: Embeddings) -> Reading:
    """Back to pixels of the upright original, with what was asked for attached."""
    if not np.isfinite(embeddings).all():
        raise InternalError("The recogniser gave no usable numbers.")
    qualities = _qualities(scene)
    faces = tuple(
        Face(
            box=_box(detection, scene.picture.scale),
            score=detection.score,
            landmarks=detection.landmarks * np.float32(scene.picture.scale),
            quality=qualities[i] if i < len(qualities) else None,
            embedding=embeddings[i] if i < len(embeddings) else None,
        )
        for i, detection in enumerate(scene.detections)
    )
    picture = scene.picture
    return Reading(content_type=picture.content_type, width=picture.width, height=picture.height, faces=faces)


def _qualities(scene: _Scene) -> list[Quality]:
    picture = scene.picture
    count = count_of(scene.request.assess, len(scene.detections))
    return [
        assess(box=_box(detection, picture.scale), crop=crop, width=picture.width, height=picture.height)
        for detection, crop in zip(scene.detections[:count], scene.crops, strict=False)
    ]


def _box(detection: Detection, scale: float) -> Box:
    return Box(
        x=detection.left * scale,
        y=detection.top * scale,
        width=(detection.right - detection.left) * scale,
        height=(detection.bottom - detection.top) * scale,
    )
