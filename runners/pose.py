"""Where a face looks, in degrees, estimated from its five landmarks.

The tip of the nose stands before the plane of eyes and mouth. When the head turns, it moves against them by
depth * sin(angle), while their own distances shrink by cos(angle): the quotient is the tangent. That is the
geometry of a distant camera (weak perspective), with the proportions of one head for everybody, so a yaw or
pitch is right to about ten degrees. It needs no fit and no camera matrix. Points are complex numbers here: x
to the right, y down.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rollcall.core.faces import Landmarks
from runners.aligner import ARCFACE_LANDMARKS

# The head of Mallick (2016), "Head Pose Estimation using OpenCV and Dlib", which most code of this kind has:
# nose (0, 0, 0), outer corners of the eyes (±225, 170, -135), of the mouth (±150, -150, -125). The middles of
# the eyes are 0.71 as far apart as the outer corners (dlib's mean face), thus 320, and as far from the mouth.
# NOSE_DEPTH is how far the nose stands out, NOSE_LEVEL how far down it lies between eyes and mouth; both in
# parts of that distance. The single people of ../shared/photos have a mean level of 0.58, median 0.54.
NOSE_DEPTH = 0.41
NOSE_LEVEL = 0.53
# dlib marks the base of the nose, which stands out less. On 55 faces of ../shared/photos it moved sideways
# 0.61 (regressed on the tip's way) to 0.77 times (the tip's regressed on it) as far; the landmarks of small
# faces are noisy, and the upper end refuses fewer of them.
NOSE_BASE_DEPTH = 0.32


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Degrees; 0 is upright and frontal. As seen in the picture, positive is: nose to the right (`yaw`), nose
    down (`pitch`), head turned clockwise (`roll`).
    """

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which five points a detector gives: where they lie in an ArcFace crop, and how they tell a pose."""

    template: Landmarks
    pose: Callable[[Landmarks], Pose]


def _pose_of_arcface(landmarks: Landmarks) -> Pose:
    """From the eyes, the tip of the nose and the corners of the mouth.

    Roll is that of the line between the eyes, together with the midline from eyes to mouth: in a profile the
    eyes nearly coincide and their line points anywhere.
    """
    left_eye, right_eye, nose, left_mouth, right_mouth = _complex(landmarks)
    middle = (left_eye + right_eye) / 2
    midline = (left_mouth + right_mouth) / 2 - middle
    # The real part of a product is the way along the midline, the imaginary one that across, to the left.
    nose_by, eyes_by = (midline.conjugate() * way for way in (nose - middle, right_eye - left_eye))
    squared = abs(midline) ** 2
    return Pose(
        yaw=_degrees(-nose_by.imag, -eyes_by.imag * NOSE_DEPTH),
        pitch=_degrees(nose_by.real - NOSE_LEVEL * squared, NOSE_DEPTH * squared),
        roll=_angle(right_eye - left_eye - 1j * midline),
    )


def _pose_of_dlib(landmarks: Landmarks) -> Pose:
    """From the corners of the eyes and the base of the nose.

    Without a mouth nothing tells a long nose from a face that looks down: the pitch is always 0.
    """
    right_outer, right_inner, left_outer, left_inner, nose = _complex(landmarks)
    left_eye, right_eye = (left_outer + left_inner) / 2, (right_outer + right_inner) / 2
    eyes = right_eye - left_eye
    nose_by = eyes.conjugate() * (nose - (left_eye + right_eye) / 2)
    return Pose(yaw=_degrees(nose_by.real, NOSE_BASE_DEPTH * abs(eyes) ** 2), pitch=0.0, roll=_angle(eyes))


def _complex(landmarks: Landmarks) -> list[complex]:
    points: NDArray[np.complex128] = landmarks.astype(np.float64) @ np.array([1, 1j])
    return [complex(point) for point in points]


def _degrees(aside: float, ahead: float) -> float:
    return math.degrees(math.atan2(aside, ahead))


def _angle(way: complex) -> float:
    return _degrees(way.imag, way.real)


ARCFACE = Layout(template=ARCFACE_LANDMARKS, pose=_pose_of_arcface)
# dlib's mean face (get_face_chip_details in its image_transforms/interpolation.h): the corners of the eye on
# the right of the picture, outer and inner, of that on the left, and the base of the nose. It is scaled and
# moved so that the middles of its eyes lie where ArcFace's do.
DLIB = Layout(
    template=np.array(
        [[80.69, 51.07], [66.37, 52.11], [31.14, 51.09], [45.45, 52.12], [55.92, 78.86]], np.float32
    ),
    pose=_pose_of_dlib,
)
