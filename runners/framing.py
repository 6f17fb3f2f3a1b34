"""How much of a face lies beyond the border of the picture."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rollcall.core.faces import Box, Landmarks
from runners.aligner import CROP_SIDE, similarity_transform

Visible: TypeAlias = NDArray[np.bool_]  # (112, 112): which pixels of a crop show the picture

# The part of an ArcFace crop, in its pixels, that SCRFD's boxes enclose: their medians over the single people
# of ../shared/photos are 9 to 119 down and 16 to 94 across, of which the crop holds this much.
_FACE = (slice(8, CROP_SIDE), slice(16, CROP_SIDE - 16))


def visible(*, landmarks: Landmarks, template: Landmarks, width: int, height: int) -> Visible:
    """Which pixels of the crop that puts `landmarks` on `template` lie within a picture of this size."""
    matrix = similarity_transform(landmarks, template)
    down, across = np.mgrid[0:CROP_SIDE, 0:CROP_SIDE]
    ways = np.stack([across - matrix[0, 2], down - matrix[1, 2]])
    x, y = np.tensordot(np.linalg.inv(matrix[:, :2]), ways, axes=1)
    inside: Visible = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    return inside


def share_outside(*, box: Box, seen: Visible, width: int, height: int) -> float:
    """The share of a face that is cut off, 0..1: by its box or by its landmarks, whichever says more.

    Neither alone does. SCRFD's boxes reach beyond the left and upper border as far as the face does, but less
    beyond the others, and dlib's are trimmed; landmarks are squeezed into what is left of a face.
    """
    kept = within(box, width=width, height=height)
    by_box = 1 - kept.area / box.area if box.area > 0 else 0.0
    return max(by_box, 1 - float(seen[_FACE].mean()))


def within(box: Box, *, width: int, height: int) -> Box:
    """The part of the box that lies in the picture; without area where none does."""
    left, right = (min(max(x, 0.0), width) for x in (box.x, box.x + box.width))
    top, bottom = (min(max(y, 0.0), height) for y in (box.y, box.y + box.height))
    return Box(x=left, y=top, width=right - left, height=bottom - top)
