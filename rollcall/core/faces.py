"""Faces as the networks see them. All coordinates are pixels of the upright original picture."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Embedding: TypeAlias = NDArray[np.float32]  # (dim,), unit length unless the model's metric is Euclidean
Embeddings: TypeAlias = NDArray[np.float32]  # (n, dim), as above
Landmarks: TypeAlias = NDArray[np.float32]  # (5, 2), x and y in pixels

FALLBACK_MODEL = "face_recognition"


class Metric(StrEnum):
    """How a model's embeddings are compared."""

    COSINE = "cosine"
    EUCLIDEAN = "euclidean"


def metric_of(model: str) -> Metric:
    """Packs of the InsightFace zoo compare by cosine; dlib's 128 numbers by distance."""
    return Metric.EUCLIDEAN if model == FALLBACK_MODEL else Metric.COSINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """`x` and `y` are the upper left corner; any of it may lie outside the picture."""

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        return self.width * self.height


FaceSize: TypeAlias = Literal["adequate", "small", "large"]
Brightness: TypeAlias = Literal["good", "dark", "bright"]
BlurLevel: TypeAlias = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How well a face is suited to be enrolled.

    `score` is 0..1; each of `reasons` says what to fix. There are reasons exactly when `score` is below
    MIN_QUALITY.
    """

    score: float
    face_size: FaceSize
    brightness: Brightness
    blur_level: BlurLevel
    reasons: tuple[str, ...]


MIN_QUALITY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One found face. `score` is the detector's, 0..1; `quality` and `embedding` only where asked for."""

    box: Box
    score: float
    landmarks: Landmarks
    quality: Quality | None = None
    embedding: Embedding | None = None


class Subjects(StrEnum):
    """Which faces of a picture get an embedding and a quality.

    A face whose landmarks lie outside the picture cannot be aligned, and gets no embedding.
    """

    NONE = "none"
    LARGEST = "largest"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """One encoded picture (JPEG, PNG or WebP), and what is wanted of it. Every face is always detected."""

    picture: bytes
    model: str
    embed: Subjects = Subjects.NONE
    assess: Subjects = Subjects.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a picture holds: its upright size in pixels, and its faces, the largest first."""

    content_type: str
    width: int
    height: int
    faces: tuple[Face, ...]
