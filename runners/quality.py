"""How well is a face suited to be enrolled?

Framing, size, pose, brightness, sharpness and the detector's score get a score each, 0..1, with 0.5 on the
border of what is accepted; the worst counts. The borders were set on ../shared/photos with its own pack and
with dlib: every photo of a single person there passes all of them. docs/quality.md has the figures.
"""

from collections.abc import Iterator
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from rollcall.core.faces import MIN_QUALITY, BlurLevel, Box, Brightness, FaceSize, Landmarks, Quality
from runners.detector import MIN_SCORE
from runners.framing import Visible, share_outside, visible, within
from runners.picture import Pixels
from runners.pose import ARCFACE, Layout, Pose

_Grey: TypeAlias = NDArray[np.float32]  # (112, 112), 0..255
_Judged: TypeAlias = tuple[str, float]  # what to fix, and the score: below 0.5 it has to be

# The share of the face beyond the border of the picture. Of the photos, nothing is; where 0.10 to 0.15 was
# cut off, a face had cosine 0.94 to itself in the median, at 0.15 to 0.20 it had 0.90 (0.49 at worst), above
# 0.30 0.76. Cut through so that a third of the box is gone, all measure 0.18 and more.
MAX_SHARE_OUTSIDE = 0.15
# Shrunk to 40 pixels across, a face still had cosine 0.91 and more to itself at full size; at 32 it was 0.80,
# at 24 0.66. The smallest single face of the photos is 51 across.
MIN_FACE_PIXELS = 40.0
# The share of the picture's width or height that the box takes. From 0.9 on, forehead or chin are mostly cut
# off, and the detector loses the face. The largest of the photos takes 0.64.
MAX_FACE_SHARE = 0.9
FULL_SCORE_SHARE = 0.8
# Mean luma of the crop's middle, 0..255. The photos, of people of dark and of light skin, lie between 107 and
# 161, and flash-lit faces of the groups at 196; below 50 the shadows have sunk into noise, above 210 most of
# a face is white.
MIN_LUMA = 50.0
MAX_LUMA = 210.0
FULL_SCORE_LUMA = 180.0
# See _sharpness. The photos reach 0.024 to 0.116. Blurred by a Gaussian of 3 % of the face's width, when they
# fall to cosine 0.4 to 0.7 to themselves, they are at 0.001 to 0.007; at 2 % (cosine 0.8 to 0.9), around
# 0.007.
MIN_SHARPNESS = 0.007
# Degrees. The photos turn up to 36 aside. At 42 and more, as five of the groups' faces do, the far eye begins
# to hide behind the nose.
MAX_YAW = 40.0
FULL_SCORE_YAW = 20.0
# Degrees. The photos lie between -24 (looking up) and 38 (taken from above). The estimate takes every nose
# for equally long, hence the wider border.
MAX_PITCH = 45.0
FULL_SCORE_PITCH = 25.0
# Degrees. The photos lean up to 13. Alignment turns a face upright, but the detector is no good at faces that
# lie: turned by 30 degrees, the photos keep cosine 0.97 to themselves in the median (0.89 at worst), by 45
# 0.94 (0.21), by 60 only 0.57, where a fifth is not found at all.
MAX_ROLL = 40.0
FULL_SCORE_ROLL = 30.0
# The detector's own border (SPEC section 1). The photos score from 0.72 on, so there is no room for a
# stricter one: a doubtful detection lowers the score, but refuses no face by itself.
MIN_DETECTION_SCORE = MIN_SCORE
FULL_DETECTION_SCORE = 0.8

_MARGIN = 16  # of the 112 pixels of a crop: leaves the face without hair and background


def assess(
    *,
    box: Box,
    crop: Pixels,
    width: int,
    height: int,
    landmarks: Landmarks,
    score: float,
    layout: Layout = ARCFACE,
) -> Quality:
    """Judge a face.

    Args:
        box, landmarks, width, height: in pixels of the upright original; the latter two are the picture's.
        crop: (112, 112, 3), with the landmarks where `layout` has them.
        score: the detector's, 0..1.
        layout: which points the landmarks are.
    """
    seen = visible(landmarks=landmarks, template=layout.template, width=width, height=height)
    outside = share_outside(box=box, seen=seen, width=width, height=height)
    kept = within(box, width=width, height=height)
    across = min(box.width, box.height)
    share = max(kept.width / width, kept.height / height)
    grey = np.asarray(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), np.float32)
    luma = _luma(grey, seen)
    sharpness = _sharpness(grey, seen, across)
    judged = [
        *_framing(outside, across, share),
        # The landmarks of a face that is cut off are guesses, and a pose from them would be another.
        *(_pose(layout.pose(landmarks)) if outside <= MAX_SHARE_OUTSIDE else ()),
        *_light_and_focus(luma, sharpness),
        _detection(score),
    ]
    return Quality(
        score=min(score for _, score in judged),
        face_size=_face_size(across, share),
        brightness=_brightness(luma),
        blur_level=_blur_level(sharpness),
        reasons=tuple(reason for reason, score in judged if score < MIN_QUALITY),
    )


def _framing(outside: float, across: float, share: float) -> Iterator[_Judged]:
    yield (
        "The face is cut off at the border; move it into the middle of the picture.",
        _falling(outside, 0.0, MAX_SHARE_OUTSIDE),
    )
    yield "The face is too small; take the picture from nearer by.", _rising(across, MIN_FACE_PIXELS)
    yield "The face fills the picture; step back a little.", _falling(share, FULL_SCORE_SHARE, MAX_FACE_SHARE)


def _pose(pose: Pose) -> Iterator[_Judged]:
    yield (
        "The face lies on its side; hold head and camera upright.",
        _falling(abs(pose.roll), FULL_SCORE_ROLL, MAX_ROLL),
    )
    yield (
        "The face is turned to the side; look straight into the camera.",
        _falling(abs(pose.yaw), FULL_SCORE_YAW, MAX_YAW),
    )
    yield (
        "The face looks up or down; hold the camera at the height of the eyes.",
        _falling(abs(pose.pitch), FULL_SCORE_PITCH, MAX_PITCH),
    )


def _light_and_focus(luma: float, sharpness: float) -> Iterator[_Judged]:
    yield "The face is too dark; add light from the front.", _rising(luma, MIN_LUMA)
    yield "The face is too bright; avoid direct light.", _falling(luma, FULL_SCORE_LUMA, MAX_LUMA)
    yield (
        "The face is blurred; hold the camera still and focus on the face.",
        _rising(sharpness, MIN_SHARPNESS),
    )


def _detection(score: float) -> _Judged:
    # Detectors count in 32 bits, where 0.7 is a little less than 0.7.
    doubt = FULL_DETECTION_SCORE - round(score, 6)
    return (
        "The face is hard to make out; show all of it, without anything in front.",
        _falling(doubt, 0.0, FULL_DETECTION_SCORE - MIN_DETECTION_SCORE),
    )


def _luma(grey: _Grey, seen: Visible) -> float:
    """Mean luma of the crop's middle, 0..255, without the black beyond the border of the picture."""
    return float(_middle(grey, seen).mean())


def _sharpness(grey: _Grey, seen: Visible, across: float) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al. 2000) over the variance of the grey values.

    The quotient does not change with exposure and contrast. The 3x3 smoothing before keeps out the noise of
    sensors and the aliasing of big faces that were scaled down.
    """
    edges = np.asarray(cv2.Laplacian(cv2.GaussianBlur(grey, (3, 3), 0), cv2.CV_32F), np.float32)
    # Two steps of 3x3 see two pixels far: nearer to the border of the picture they take that for an edge.
    clear = cv2.erode(seen.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.bool_)
    # One squared grey level: an even surface has no edges, and no variance to divide by either.
    sharpness = float(_middle(edges, clear).var() / (_middle(grey, clear).var() + 1))
    # A small face looks soft in a crop that enlarges it. That is its size's fault, and said there.
    return sharpness * max(1.0, MIN_FACE_PIXELS / max(across, 1.0)) ** 2


def _middle(values: _Grey, seen: Visible) -> _Grey:
    """(n,): the values of the face that are seen; all of them where none is."""
    inner = (slice(_MARGIN, -_MARGIN),) * 2
    chosen = seen[inner]
    return values[inner][chosen] if chosen.any() else values[inner].ravel()


def _rising(value: float, border: float) -> float:
    """0 at nothing, 0.5 at the border, 1 from twice the border on."""
    return min(1.0, max(0.0, MIN_QUALITY * value / border))


def _falling(value: float, full: float, border: float) -> float:
    """1 up to `full`, 0.5 at the border, 0 as far beyond."""
    return min(1.0, max(0.0, 1 - (1 - MIN_QUALITY) * (value - full) / (border - full)))


def _face_size(across: float, share: float) -> FaceSize:
    if across < MIN_FACE_PIXELS:
        return "small"
    return "large" if share > MAX_FACE_SHARE else "adequate"


def _brightness(luma: float) -> Brightness:
    if luma < MIN_LUMA:
        return "dark"
    return "bright" if luma > MAX_LUMA else "good"


def _blur_level(sharpness: float) -> BlurLevel:
    """`high` is what is refused; `medium` is accepted, with less than the full score."""
    if sharpness < MIN_SHARPNESS:
        return "high"
    return "medium" if sharpness < 2 * MIN_SHARPNESS else "low"
