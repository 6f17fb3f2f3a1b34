"""Drawn faces: an input that looks real enough to a network, to try backends with and to warm up.

Noise or a blank picture would drive a network into corners where it is never used, and say little about its
precision there.
"""

import cv2
import numpy as np

from rollcall.core.faces import Landmarks
from runners.aligner import align
from runners.picture import Pixels

_SIDE = 640
# Middle and half height of each face in the scene, in pixels, and its skin (BGR).
_FACES = (
    ((170, 180), 120, (150, 175, 215)),
    ((450, 200), 90, (70, 100, 150)),
    ((250, 480), 60, (120, 150, 200)),
    ((500, 500), 100, (60, 75, 105)),
)
# Left eye, right eye, nose, left and right corner of the mouth, in half heights from the middle.
_POINTS = np.array([(-0.34, -0.2), (0.34, -0.2), (0.0, 0.18), (-0.27, 0.5), (0.27, 0.5)], np.float32)


def scene() -> Pixels:
    """(640, 640, 3) BGR: four faces of several sizes and skins before an uneven wall."""
    rows, columns = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32) / _SIDE
    wall = np.stack([150 + 60 * columns, 140 + 40 * rows, 120 + 50 * columns * rows], axis=-1)
    canvas = np.ascontiguousarray(wall.astype(np.uint8))
    for middle, half, skin in _FACES:
        _draw(canvas, np.array(middle, np.float32), half, skin)
    noise = np.random.default_rng(0).normal(0, 4, canvas.shape)
    noisy = np.clip(cv2.GaussianBlur(canvas, (5, 5), 0) + noise, 0, 255)
    return np.asarray(noisy, np.uint8)


def crops() -> list[Pixels]:
    """(112, 112, 3) BGR each: the scene's faces, aligned; as they are, dark, overexposed and blurred."""
    pixels = scene()
    aligned = [align(pixels, _landmarks(middle, half)) for middle, half, _ in _FACES]
    dark = [_exposed(crop, 0.4) for crop in aligned]
    bright = [_exposed(crop, 1.6) for crop in aligned]
    blurred = [np.asarray(cv2.GaussianBlur(crop, (9, 9), 0), np.uint8) for crop in aligned]
    return [*aligned, *dark, *bright, *blurred]


def _exposed(crop: Pixels, factor: float) -> Pixels:
    return np.asarray(np.clip(crop * factor, 0, 255), np.uint8)


def _landmarks(middle: tuple[int, int], half: int) -> Landmarks:
    points: Landmarks = np.array(middle, np.float32) + _POINTS * half
    return points


def _draw(canvas: Pixels, middle: Landmarks, half: int, skin: tuple[int, int, int]) -> None:
    """Hair, neck, head, eyes with brows, nose and mouth, lit from the left."""

    def at(x: float, y: float) -> tuple[int, int]:
        return round(float(middle[0] + x * half)), round(float(middle[1] + y * half))

    def oval(x: float, y: float, width: float, height: float, colour: tuple[int, ...]) -> None:
        axes = (max(1, round(width * half)), max(1, round(height * half)))
        cv2.ellipse(canvas, at(x, y), axes, 0, 0, 360, colour, -1, cv2.LINE_AA)

    def shade(factor: float) -> tuple[int, ...]:
        return tuple(min(255, round(part * factor)) for part in skin)

    oval(0, -0.25, 0.86, 1.0, (30, 35, 45))
    oval(0, 1.1, 0.35, 0.5, shade(0.75))
    oval(0, 0, 0.75, 1.0, shade(0.9))
    oval(-0.1, -0.05, 0.6, 0.85, shade(1.05))
    for side in (-1, 1):
        oval(side * 0.34, -0.2, 0.16, 0.085, (235, 235, 235))
        oval(side * 0.34, -0.2, 0.075, 0.08, (40, 50, 60))
        oval(side * 0.34, -0.4, 0.2, 0.045, (35, 40, 50))
        oval(side * 0.09, 0.24, 0.04, 0.03, shade(0.55))
    oval(0.04, 0.05, 0.07, 0.24, shade(0.85))
    oval(-0.02, 0.14, 0.09, 0.1, shade(1.15))
    oval(0, 0.52, 0.28, 0.09, (80, 80, 160))
    oval(0, 0.5, 0.24, 0.02, (50, 45, 90))
