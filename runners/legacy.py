"""The `face_recognition` engine: dlib's detector, landmarks and embeddings, as that library runs them.

It is the fallback, and the only one that can compare with the embeddings of the old server. It equals
`face_recognition.face_locations(image)` and `face_encodings(image)` on every picture that is not reduced.
"""

import importlib.util
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from rollcall.core.errors import ModelNotLoaded
from rollcall.core.faces import FALLBACK_MODEL, Box, Embedding, Face, Landmarks, Quality, Reading, ReadRequest
from rollcall.core.observing import UNOBSERVED, Observer, Step
from runners.aligner import CROP_SIDE, similarity_transform
from runners.engine import Result, count_of
from runners.isolation import attempt
from runners.picture import Picture, Pixels, decode
from runners.pose import DLIB
from runners.quality import assess

# dlib takes about 0.3 s for each megapixel, so a 36-megapixel photo would take ten. 2000 leaves Full HD
# cameras as they are. A bigger JPEG comes out between 1000 and 2000 wide, where the smallest face that dlib
# finds (40 pixels) is a twenty-fifth to a fiftieth of the picture. Of the bigger photos in ../shared every
# one is still recognised.
MAX_WORK_SIDE = 2000
UPSAMPLE_TIMES = 1  # face_recognition's default: faces of 40 pixels are found
JITTERS = 1  # likewise
# dlib accepts from 0 on, without an upper end. A logistic curve maps that to 0..1, shifted so that dlib's
# border falls on 0.7, which is the border of every other model here.
SCORE_SHIFT = math.log(0.7 / 0.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A face in work pixels: dlib's rectangle within the picture, and its five landmarks as dlib has them."""

    rectangle: Any
    score: float
    shape: Any


class LegacyEngine:
    """dlib's HOG detector, 5-point landmarks and 128-number network; made in half a second.

    Raises:
        ModelNotLoaded: dlib or the weights are not installed.
    """

    backend = "dlib"
    dimension = 128

    def __init__(self, observer: Observer = UNOBSERVED) -> None:
        self._observer = observer
        try:
            import dlib
        except ImportError as error:
            raise ModelNotLoaded("The fallback engine needs the package dlib-bin.") from error
        folder = _weights_folder()
        self._dlib: Any = dlib
        self._detector = dlib.get_frontal_face_detector()
        self._predictor = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
        self._network = dlib.face_recognition_model_v1(
            str(folder / "dlib_face_recognition_resnet_model_v1.dat")
        )
        # dlib's detector and network keep their working memory in themselves.
        self._one_at_a_time = threading.Lock()

    def warm_up(self) -> None:
        blank = np.zeros((150, 150, 3), np.uint8)
        self._find(blank)
        self._embed(blank, self._predictor(blank, self._dlib.rectangle(25, 25, 125, 125)))

    def read(self, requests: Sequence[ReadRequest]) -> list[Result]:
        with self._one_at_a_time:
            return [attempt(self._read, request) for request in requests]

    def _read(self, request: ReadRequest) -> Reading:
        with self._observer.step(Step.DECODE):
            picture = decode(request.picture, max_side=MAX_WORK_SIDE)
        rgb: Pixels = np.ascontiguousarray(picture.pixels[:, :, ::-1])
        with self._observer.step(Step.DETECT):
            found = self._find(rgb)
        to_embed, to_assess = (count_of(wanted, len(found)) for wanted in (request.embed, request.assess))
        faces = tuple(
            Face(
                box=_box(one.rectangle, picture.scale),
                score=one.score,
                landmarks=_landmarks(one.shape) * np.float32(picture.scale),
                quality=self._assess(picture, one) if i < to_assess else None,
                embedding=self._embed(rgb, one.shape) if i < to_embed else None,
            )
            for i, one in enumerate(found)
        )
        return Reading(
            content_type=picture.content_type, width=picture.width, height=picture.height, faces=faces
        )

    def _find(self, rgb: Pixels) -> list[_Found]:
        """All faces, the largest first."""
        rectangles, scores, _ = self._detector.run(rgb, UPSAMPLE_TIMES, 0.0)
        found = []
        for rectangle, score in zip(rectangles, scores, strict=True):
            trimmed = self._trim(rectangle, rgb)
            shape = self._predictor(rgb, trimmed)
            found.append(_Found(rectangle=trimmed, score=_probability(score), shape=shape))
        return sorted(found, key=lambda one: _box(one.rectangle, 1.0).area, reverse=True)

    def _trim(self, rectangle: Any, rgb: Pixels) -> Any:
        """Within the picture, as face_recognition does it: landmarks and embeddings depend on that."""
        height, width = rgb.shape[:2]
        return self._dlib.rectangle(
            max(rectangle.left(), 0),
            max(rectangle.top(), 0),
            min(rectangle.right(), width),
            min(rectangle.bottom(), height),
        )

    def _embed(self, rgb: Pixels, shape: Any) -> Embedding:
        """(128,), compared by distance, so not of unit length."""
        with self._observer.step(Step.EMBED):  # which aligns the face too
            return np.asarray(self._network.compute_face_descriptor(rgb, shape, JITTERS), np.float32)

    def _assess(self, picture: Picture, one: _Found) -> Quality:
        landmarks = _landmarks(one.shape)
        # The same framing as a pack's crops, so that the same borders hold.
        matrix = similarity_transform(landmarks, DLIB.template)
        crop = cv2.warpAffine(picture.pixels, matrix, (CROP_SIDE, CROP_SIDE), borderValue=0.0)
        return assess(
            box=_box(one.rectangle, picture.scale),
            crop=np.asarray(crop, np.uint8),
            width=picture.width,
            height=picture.height,
            landmarks=landmarks * np.float32(picture.scale),
            score=one.score,
            layout=DLIB,
        )


def _weights_folder() -> Path:
    # Importing the package needs pkg_resources, which setuptools no longer has; we only want its files.
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise ModelNotLoaded(
            "The fallback engine needs the package face-recognition-models.", model=FALLBACK_MODEL
        )
    return Path(spec.submodule_search_locations[0]) / "models"


def _probability(score: float) -> float:
    return 1 / (1 + math.exp(-(score + SCORE_SHIFT)))


def _landmarks(shape: Any) -> Landmarks:
    """The corners of one eye, of the other, and the base of the nose: not the five points of the packs."""
    return np.array([(point.x, point.y) for point in shape.parts()], np.float32)


def _box(rectangle: Any, scale: float) -> Box:
    return Box(
        x=rectangle.left() * scale,
        y=rectangle.top() * scale,
        width=(rectangle.right() - rectangle.left()) * scale,
        height=(rectangle.bottom() - rectangle.top()) * scale,
    )
