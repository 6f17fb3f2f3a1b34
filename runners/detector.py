"""Finds faces with SCRFD.

Guo et al. (2021), "Sample and Computation Redistribution for Efficient Face Detection".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from rollcall.core.errors import ModelNotLoaded
from rollcall.core.faces import Landmarks
from runners.backends import Blob, Session
from runners.picture import Pixels

Boxes: TypeAlias = NDArray[np.float32]  # (n, 4): left, top, right, bottom
Size: TypeAlias = tuple[int, int]  # width, height

MIN_SCORE = 0.7  # SPEC section 1
MAX_OVERLAP = 0.4  # InsightFace's own; above it two boxes are one face
INPUT_SIZE: Size = (640, 640)
# At 640 SCRFD misses faces that fill the picture: they are larger than what it was trained on. At 256 they
# are found, for a sixth of the time. The second size only has its turn when the first finds nothing.
SECOND_SIZE: Size = (256, 256)
# The canvas is trimmed to a multiple of the coarsest stride. With 24 pixels of black left, all 72 faces of
# ../shared/photos kept cosine 0.9993 to themselves on the full canvas; with none, 0.9987. 16:9 takes 384
# rows.
TRIM_STEP = 32
TRIM_MARGIN = 24
# The number of outputs tells the head: scores, boxes and landmarks for each stride. Heads with 6 or 10
# outputs have no landmarks, without which no face can be aligned.
STRIDES = {9: (8, 16, 32), 15: (8, 16, 32, 64, 128)}

_MEAN, _STD = 127.5, 128.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """A face in work pixels; `score` is 0..1."""

    left: float
    top: float
    right: float
    bottom: float
    score: float
    landmarks: Landmarks


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidates:
    """Rows that belong together: (n, 4), (n,) and (n, 5, 2)."""

    boxes: Boxes
    scores: NDArray[np.float32]
    landmarks: NDArray[np.float32]

    def pick(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "_Candidates":
        return _Candidates(boxes=self.boxes[rows], scores=self.scores[rows], landmarks=self.landmarks[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Letterbox:
    """A picture in the upper left of a canvas. `scale`: canvas pixels per work pixel."""

    canvas: Pixels
    scale: float
    picture: Size
    trimmed: tuple[bool, bool]  # on the right, at the bottom

    @property
    def size(self) -> Size:
        return self.canvas.shape[1], self.canvas.shape[0]


class Detector:
    """An SCRFD network and what it needs before and after.

    `trim`: leave out most of the black that would fill the canvas up to a square, and with it a third of the
    time for 16:9. Without it, results equal InsightFace's at 640x640.
    """

    def __init__(self, session: Session, *, trim: bool = True) -> None:
        self._session = session
        batch, _, height, width = session.input_shape
        self._fixed: Size | None = (width, height) if width is not None and height is not None else None
        self._trim = trim and self._fixed is None
        # The official graphs lay the rows of a batch into one another, and say so by a batch of 1.
        self._batches = batch is None

    def detect(self, pictures: Sequence[Pixels], *, alone: bool = False) -> list[list[Detection]]:
        """All faces of each picture that score 0.7 and above, the largest first. `alone`: see Session.run."""
        size = self._fixed or INPUT_SIZE
        looks = [_letterbox(pixels, size, trim=self._trim) for pixels in pictures]
        found = self._find(looks, alone)
        again: dict[int, _Letterbox] = {}
        for i, (look, candidates) in enumerate(zip(looks, found, strict=True)):
            if not len(candidates.scores) and self._fixed is None:
                again[i] = _letterbox(pictures[i], SECOND_SIZE)
            elif _touches_cut(look, candidates):
                again[i] = _letterbox(pictures[i], size)
        for i, candidates in zip(again, self._find(list(again.values()), alone), strict=True):
            found[i] = candidates
        return [_largest_first(candidates.pick(_distinct(candidates))) for candidates in found]

    def _find(self, looks: Sequence[_Letterbox], alone: bool) -> list[_Candidates]:
        """Candidates in work pixels, in as few runs as the graph allows."""
        found: dict[int, _Candidates] = {}
        for places in _runs(looks, together=self._batches):
            blob = np.concatenate([canvas_blob(looks[i].canvas) for i in places])
            outputs = self._session.run(blob, alone=alone)
            for row, i in enumerate(places):
                own = [output[row] for output in outputs] if outputs[0].ndim == 3 else outputs
                found[i] = _in_work_pixels(_decode_outputs(own, looks[i].size), looks[i].scale)
        return [found[i] for i in range(len(looks))]


def _runs(looks: Sequence[_Letterbox], *, together: bool) -> list[list[int]]:
    """Which pictures go into one run: those with canvases of one size, or each by itself."""
    if not together:
        return [[i] for i in range(len(looks))]
    by_size: dict[Size, list[int]] = {}
    for i, look in enumerate(looks):
        by_size.setdefault(look.size, []).append(i)
    return list(by_size.values())


def _touches_cut(look: _Letterbox, candidates: _Candidates) -> bool:
    """Whether a face reaches the side where the canvas was trimmed.

    There the network misses the black that it was trained with, and landmarks move: such a face had cosine
    0.98 to itself, where all others kept 0.999.
    """
    for axis in (0, 1):
        border = (look.picture[axis] - TRIM_MARGIN) / look.scale
        if look.trimmed[axis] and (candidates.boxes[:, 2 + axis] > border).any():
            return True
    return False


def _in_work_pixels(candidates: _Candidates, scale: float) -> _Candidates:
    boxes, landmarks = candidates.boxes / scale, candidates.landmarks / scale
    return _usable(_Candidates(boxes=boxes, scores=candidates.scores, landmarks=landmarks))


def _letterbox(pixels: Pixels, size: Size, *, trim: bool = False) -> _Letterbox:
    """Fit the picture into the upper left of a black canvas, as InsightFace does."""
    height, width = pixels.shape[:2]
    # The order of operations is InsightFace's: rounding another way moves boxes by a pixel.
    ratio = height / width
    if ratio > size[1] / size[0]:
        new_height, new_width = size[1], int(size[1] / ratio)
    else:
        new_height, new_width = int(size[0] * ratio), size[0]
    # A picture 640 times longer than wide would vanish.
    new_height, new_width = max(1, new_height), max(1, new_width)
    canvas_width = _trimmed(new_width, size[0]) if trim else size[0]
    canvas_height = _trimmed(new_height, size[1]) if trim else size[1]
    canvas = np.zeros((canvas_height, canvas_width, 3), np.uint8)
    canvas[:new_height, :new_width] = cv2.resize(pixels, (new_width, new_height))
    return _Letterbox(
        canvas=canvas,
        scale=new_height / height,
        picture=(new_width, new_height),
        trimmed=(canvas_width < size[0], canvas_height < size[1]),
    )


def _trimmed(side: int, most: int) -> int:
    """The next multiple of the coarsest stride, with some black left."""
    return min(most, -(-(side + TRIM_MARGIN) // TRIM_STEP) * TRIM_STEP)


def canvas_blob(canvas: Pixels) -> Blob:
    """(1, 3, height, width) RGB, about -1..1."""
    blob = cv2.dnn.blobFromImage(canvas, 1 / _STD, mean=(_MEAN, _MEAN, _MEAN), swapRB=True)
    return np.asarray(blob, np.float32)


def _decode_outputs(outputs: list[NDArray[np.float32]], size: Size) -> _Candidates:
    """Distances from anchor points, in strides → boxes and landmarks in canvas pixels, where scores pass."""
    strides = STRIDES.get(len(outputs))
    if strides is None:
        raise ModelNotLoaded("The detector is no SCRFD with landmarks.")
    parts = []
    for level, stride in enumerate(strides):
        scores = outputs[level].reshape(-1)
        passing = np.flatnonzero(scores >= MIN_SCORE)
        centres = _centres(size, stride, len(scores))[passing]
        distances = outputs[level + len(strides)].reshape(-1, 4)[passing] * stride
        points = outputs[level + 2 * len(strides)].reshape(-1, 5, 2)[passing] * stride
        boxes = np.hstack([centres - distances[:, :2], centres + distances[:, 2:]])
        parts.append(
            _Candidates(boxes=boxes, scores=scores[passing], landmarks=centres[:, np.newaxis] + points)
        )
    return _Candidates(
        boxes=np.vstack([part.boxes for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        landmarks=np.vstack([part.landmarks for part in parts]),
    )


@lru_cache(maxsize=16)
def _centres(size: Size, stride: int, rows: int) -> NDArray[np.float32]:
    """(rows, 2): the anchor point of each output row; cells in reading order, a cell's anchors together."""
    width, height = size[0] // stride, size[1] // stride
    anchors, rest = divmod(rows, width * height)
    if rest or not anchors:
        raise ModelNotLoaded("The detector's outputs do not fit its input.")
    cells = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).reshape(-1, 2)
    centres: NDArray[np.float32] = np.repeat(cells * np.float32(stride), anchors, axis=0).astype(np.float32)
    centres.setflags(write=False)
    return centres


def _usable(candidates: _Candidates) -> _Candidates:
    """Without rows that are not finite, or whose landmarks all coincide: no crop can be made of those."""
    with np.errstate(invalid="ignore"):
        spread = np.ptp(candidates.landmarks, axis=1).max(axis=1)
    numbers = np.isfinite(candidates.boxes).all(axis=1) & np.isfinite(candidates.landmarks).all(axis=(1, 2))
    return candidates.pick(numbers & (spread > 0))


def _distinct(candidates: _Candidates) -> NDArray[np.intp]:
    """Rows left by non-maximum suppression, the highest score first.

    Sides count one pixel more than the difference of coordinates, as InsightFace has it.
    """
    left, top, right, bottom = candidates.boxes.T
    areas = (right - left + 1) * (bottom - top + 1)
    order = np.argsort(-candidates.scores, kind="stable")
    kept = []
    while order.size:
        best, others = order[0], order[1:]
        kept.append(best)
        widths = np.minimum(right[best], right[others]) - np.maximum(left[best], left[others]) + 1
        heights = np.minimum(bottom[best], bottom[others]) - np.maximum(top[best], top[others]) + 1
        shared = np.maximum(0, widths) * np.maximum(0, heights)
        order = others[shared / (areas[best] + areas[others] - shared) <= MAX_OVERLAP]
    return np.asarray(kept, np.intp)


def _largest_first(candidates: _Candidates) -> list[Detection]:
    boxes = candidates.boxes
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return [
        Detection(
            left=float(boxes[row, 0]),
            top=float(boxes[row, 1]),
            right=float(boxes[row, 2]),
            bottom=float(boxes[row, 3]),
            score=float(candidates.scores[row]),
            landmarks=candidates.landmarks[row],
        )
        for row in np.argsort(-areas, kind="stable")
    ]
