"""How well is a face suited to be enrolled?

Size, brightness and sharpness get a score each, 0..1, with 0.5 on the border of what is accepted; the worst
counts. The borders were set on ../shared/photos with its own pack: every photo of a single person there
passes all of them.
"""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from rollcall.core.faces import MIN_QUALITY, BlurLevel, Box, Brightness, FaceSize, Quality
from runners.picture import Pixels

_Grey: TypeAlias = NDArray[np.float32]  # (112, 112), 0..255

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

_MARGIN = 16  # of the 112 pixels of a crop: leaves the face without hair and background


def assess(*, box: Box, crop: Pixels, width: int, height: int) -> Quality:
    """Judge a face by its box and the picture's size, both in original pixels, and its (112, 112, 3) crop."""
    grey = np.asarray(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), np.float32)
    across = min(box.width, box.height)
    share = max(box.width / width, box.height / height)
    luma = float(_middle(grey).mean())
    sharpness = _sharpness(grey, across)
    scores = {
        "The face is too small; take the picture from nearer by.": _rising(across, MIN_FACE_PIXELS),
        "The face fills the picture; step back a little.": _falling(share, FULL_SCORE_SHARE, MAX_FACE_SHARE),
        "The face is too dark; add light from the front.": _rising(luma, MIN_LUMA),
        "The face is too bright; avoid direct light.": _falling(luma, FULL_SCORE_LUMA, MAX_LUMA),
        "The face is blurred; hold the camera still and focus on the face.": _rising(
            sharpness, MIN_SHARPNESS
        ),
    }
    return Quality(
        score=min(scores.values()),
        face_size=_face_size(across, share),
        brightness=_brightness(luma),
        blur_level=_blur_level(sharpness),
        reasons=tuple(reason for reason, score in scores.items() if score < MIN_QUALITY),
    )


def _sharpness(grey: _Grey, across: float) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al. 2000) over the variance of the grey values.

    The quotient does not change with exposure and contrast. The 3x3 smoothing before keeps out the noise of
    sensors and the aliasing of big faces that were scaled down.
    """
    edges = cv2.Laplacian(cv2.GaussianBlur(grey, (3, 3), 0), cv2.CV_32F)
    # One squared grey level: an even surface has no edges, and no variance to divide by either.
    sharpness = float(_middle(np.asarray(edges, np.float32)).var() / (_middle(grey).var() + 1))
    # A small face looks soft in a crop that enlarges it. That is its size's fault, and said there.
    return sharpness * max(1.0, MIN_FACE_PIXELS / max(across, 1.0)) ** 2


def _middle(grey: _Grey) -> _Grey:
    return grey[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]


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
