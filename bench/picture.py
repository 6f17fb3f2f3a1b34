"""The pictures. They are made from ../shared's photographs in memory, and written nowhere."""

from pathlib import Path

import cv2
from PIL import Image

from bench.packs import SHARED

SIZE = (1480, 832)
_QUALITY = 90
_PHOTO = SHARED / "photos" / "people" / "S005" / "2.jpg"  # one clear face, 290 x 430 of these pixels


def camera_picture() -> bytes:
    """A 1480x832 JPEG of one face, about 170 kB, as a web camera sends it."""
    pixels = cv2.imread(str(_PHOTO))
    if pixels is None:
        raise FileNotFoundError(_PHOTO)
    height, width = pixels.shape[:2]
    scale = max(SIZE[0] / width, SIZE[1] / height)
    fitted = cv2.resize(pixels, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    left, top = (fitted.shape[1] - SIZE[0]) // 2, (fitted.shape[0] - SIZE[1]) // 3
    cut = fitted[top : top + SIZE[1], left : left + SIZE[0]]
    done, encoded = cv2.imencode(".jpg", cut, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise ValueError("OpenCV cannot write a JPEG")
    return encoded.tobytes()


def megapixels(photo: Path) -> float:
    with Image.open(photo) as image:
        return image.width * image.height / 1e6
