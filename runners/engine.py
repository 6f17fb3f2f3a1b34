"""A pack at work: decode → detect → crop → embed → quality, once, for a batch."""

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from types import TracebackType
from typing import Protocol, TypeAlias

import numpy as np

from rollcall.core.errors import InternalError, RollcallError
from rollcall.core.faces import Box, Embedding, Face, Quality, Reading, ReadRequest, Subjects
from rollcall.core.observing import UNOBSERVED, Observer, Step
from runners import sample
from runners.aligner import CROP_SIDE, align
from runners.detector import Detection, Detector
from runners.embedder import Embedder
from runners.isolation import attempt, together
from runners.picture import Picture, Pixels, closer, decode
from runners.quality import assess

Result: TypeAlias = Reading | RollcallError


class Engine(Protocol):
    """A loaded model: pictures in, faces out. Safe to call from several threads."""

    @property
    def backend(self) -> str:
        """What runs it: `onnxruntime`, `openvino`, `cuda` or `dlib`."""
        ...

    def warm_up(self) -> None:
        """Run everything once, so that the first request is not slow. Raises where a network cannot run."""
        ...

    def read(self, requests: Sequence[ReadRequest]) -> list[Result]:
        """One result per request, in order; what goes wrong with a picture is its result. Never raises."""
        ...


def count_of(subjects: Subjects, faces: int) -> int:
    """How many faces are meant, of so many."""
    return {Subjects.NONE: 0, Subjects.LARGEST: min(1, faces), Subjects.ALL: faces}[subjects]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """A picture on its way. `crops` and `embeddings` are by the place of their face in `detections`."""

    request: ReadRequest
    picture: Picture
    detections: Sequence[Detection] = ()
    crops: Mapping[int, Pixels] = field(default_factory=dict)
    embeddings: Mapping[int, Embedding] = field(default_factory=dict)


class FaceEngine:
    """An SCRFD detector and an ArcFace recogniser."""

    def __init__(
        self, *, detector: Detector, embedder: Embedder, backend: str, observer: Observer = UNOBSERVED
    ) -> None:
        self._observer = observer
        self._detector = detector
        self._embedder = embedder
        self._backend = backend
        self._at_work = _AtWork()

    @property
    def backend(self) -> str:
        return self._backend

    def warm_up(self) -> None:
        """The shapes that most requests have: 16:9 and square, one crop and a batch's."""
        square, crops = sample.scene(), sample.crops()
        wide = square[: square.shape[0] * 9 // 16]
        for alone in (True, False):
            for picture in (square, wide):
                self._detector.detect([picture], alone=alone)
            for count in (1, 4):
                self._embedder.embed(crops[:count], alone=alone)

    def read(self, requests: Sequence[ReadRequest]) -> list[Result]:
        with self._at_work:
            opened = [attempt(self._open, request) for request in requests]
            scenes = [attempt(self._crop, scene) for scene in together(self._detect, opened)]
            return [attempt(_reading, scene) for scene in together(self._embed, scenes)]

    def _open(self, request: ReadRequest) -> _Scene:
        with self._observer.step(Step.DECODE):
            return _Scene(request=request, picture=decode(request.picture))

    def _detect(self, scenes: Sequence[_Scene]) -> list[_Scene]:
        if not scenes:
            return []
        pixels = [scene.picture.pixels for scene in scenes]
        with self._observer.step(Step.DETECT):
            found = self._detector.detect(pixels, alone=self._at_work.alone)
        return [replace(scene, detections=faces) for scene, faces in zip(scenes, found, strict=True)]

    def _crop(self, scene: _Scene) -> _Scene:
        wanted = {*_to_embed(scene), *_to_assess(scene)}
        if not wanted:
            return scene
        with self._observer.step(Step.ALIGN):
            return _cropped(scene, wanted)

    def _embed(self, scenes: Sequence[_Scene]) -> list[_Scene]:
        """All crops of all scenes in as few runs of the network as possible."""
        places = [_to_embed(scene) for scene in scenes]
        crops = [scene.crops[i] for scene, wanted in zip(scenes, places, strict=True) for i in wanted]
        if not crops:
            return list(scenes)
        with self._observer.step(Step.EMBED):
            vectors = self._embedder.embed(crops, alone=self._at_work.alone)
        ends = accumulate(len(wanted) for wanted in places)
        return [
            replace(scene, embeddings=dict(zip(wanted, vectors[end - len(wanted) : end], strict=True)))
            for scene, wanted, end in zip(scenes, places, ends, strict=True)
        ]


class _AtWork:
    """How many batches are being read? A batch that is alone may use all cores."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._batches = 0

    @property
    def alone(self) -> bool:
        return self._batches == 1

    def __enter__(self) -> None:
        with self._lock:
            self._batches += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._batches -= 1


def _cropped(scene: _Scene, wanted: Collection[int]) -> _Scene:
    """Align the faces that are to be looked at closer, from as many pixels as the picture has for them."""
    smallest = min(_side(scene.detections[i]) for i in wanted)
    near = closer(scene.request.picture, scene.picture, factor=CROP_SIDE / max(smallest, 1.0))
    factor = np.float32(scene.picture.scale / near.scale)
    crops = {i: align(near.pixels, scene.detections[i].landmarks * factor) for i in wanted}
    return replace(scene, crops=crops)


def _to_embed(scene: _Scene) -> list[int]:
    """Of those that were asked for, the faces that can be aligned: whose landmarks lie in the picture.

    A crop made of landmarks beyond the border shows no face.
    """
    height, width = scene.picture.pixels.shape[:2]
    asked = scene.detections[: count_of(scene.request.embed, len(scene.detections))]
    return [
        i
        for i, face in enumerate(asked)
        if (face.landmarks >= 0).all() and (face.landmarks <= (width, height)).all()
    ]


def _to_assess(scene: _Scene) -> list[int]:
    return list(range(count_of(scene.request.assess, len(scene.detections))))


def _side(face: Detection) -> float:
    return min(face.right - face.left, face.bottom - face.top)


def _reading(scene: _Scene) -> Reading:
    """Back to pixels of the upright original, with what was asked for attached."""
    if not all(np.isfinite(vector).all() for vector in scene.embeddings.values()):
        raise InternalError("The recogniser gave no usable numbers.")
    picture = scene.picture
    assessed = _to_assess(scene)
    faces = tuple(
        Face(
            box=_box(detection, picture.scale),
            score=detection.score,
            landmarks=detection.landmarks * np.float32(picture.scale),
            quality=_quality(scene, i) if i in assessed else None,
            embedding=scene.embeddings.get(i),
        )
        for i, detection in enumerate(scene.detections)
    )
    return Reading(content_type=picture.content_type, width=picture.width, height=picture.height, faces=faces)


def _quality(scene: _Scene, i: int) -> Quality:
    picture, detection = scene.picture, scene.detections[i]
    return assess(
        box=_box(detection, picture.scale),
        crop=scene.crops[i],
        width=picture.width,
        height=picture.height,
        landmarks=detection.landmarks * np.float32(picture.scale),
        score=detection.score,
    )


def _box(detection: Detection, scale: float) -> Box:
    return Box(
        x=detection.left * scale,
        y=detection.top * scale,
        width=(detection.right - detection.left) * scale,
        height=(detection.bottom - detection.top) * scale,
    )
