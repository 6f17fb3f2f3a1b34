"""Turns, scales and moves a face so that its landmarks lie where the recogniser expects them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from rollcall.core.faces import Landmarks
from runners.picture import Pixels

CROP_SIDE = 112
# Where ArcFace's training data has the eyes, the nose and the corners of the mouth, in a crop of 112 pixels
# (Deng et al. 2019; the numbers are InsightFace's).
ARCFACE_LANDMARKS: Landmarks = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    np.float32,
)


def similarity_transform(source: Landmarks, target: Landmarks) -> NDArray[np.float64]:
    """The (2, 3) matrix that turns, scales and moves `source` nearest to `target`, by least squares.

    It never mirrors. Umeyama (1991), "Least-squares estimation of transformation parameters between two point
    patterns". In the plane that needs no singular value decomposition: with points as complex numbers it is a
    regression with one factor.
    """
    z = source.astype(np.float64) @ (1, 1j)
    w = target.astype(np.float64) @ (1, 1j)
    centred = z - z.mean()
    factor = np.vdot(centred, w - w.mean()) / np.vdot(centred, centred)
    shift = w.mean() - factor * z.mean()
    return np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])


def align(pixels: Pixels, landmarks: Landmarks) -> Pixels:
    """The face as a (112, 112, 3) crop; black where it reaches beyond the picture."""
    matrix = similarity_transform(landmarks, ARCFACE_LANDMARKS)
    return np.asarray(cv2.warpAffine(pixels, matrix, (CROP_SIDE, CROP_SIDE), borderValue=0.0), np.uint8)
