"""Small pictures, for people to look at."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import cv2
import numpy as np

from runners.picture import decode

# Each may hold a whole picture in memory, and takes from the cores that recognitions need.
_AT_ONCE: Final = 2
_JPEG_QUALITY: Final = 85


class Thumbnails:
    """core.ports.Pictures: decoded and encoded in threads of its own, a few at a time."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="thumbnails")

    async def reduced(self, image: bytes, max_side: int) -> bytes:
        """The picture as an upright JPEG whose longer side has at most so many pixels.

        Raises:
            InvalidImage, UnsupportedImageFormat, ImageTooLarge: the picture cannot be used.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, thumbnail, image, max_side)


def thumbnail(image: bytes, max_side: int) -> bytes:
    """See `Thumbnails.reduced`. A JPEG keeps nothing of the file's EXIF: neither place nor camera."""
    pixels = decode(image, max_side=max_side).pixels
    # Of pixels of this type and shape OpenCV always makes a JPEG.
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return np.asarray(encoded, np.uint8).tobytes()
