import asyncio
import io
import resource
import time

import numpy as np
import pytest
from PIL import Image

from rollcall.core.errors import ImageTooLarge, InvalidImage, UnsupportedImageFormat
from runners.thumbnails import Thumbnails, thumbnail
from tests.packs import picture

PATIENCE_SECONDS = 1.0
ORIENTATION = 0x0112


def opened(encoded: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(encoded))
    assert image.format == "JPEG"
    return image


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_thumbnail_is_a_jpeg_of_that_longer_side(format: str) -> None:
    image = opened(thumbnail(picture(1, size=(640, 480), format=format), 160))  # type: ignore[arg-type]
    assert image.size == (160, 120)


def test_a_small_picture_is_not_enlarged() -> None:
    assert opened(thumbnail(picture(1, size=(320, 240)), 1024)).size == (320, 240)


def test_a_thumbnail_is_upright_and_tells_nothing_of_the_camera() -> None:
    red_over_blue = Image.new("RGB", (400, 200), "red")
    red_over_blue.paste("blue", (200, 0, 400, 200))
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # its left side is up
    exif[0x0110] = "Camera of a school"
    file = io.BytesIO()
    red_over_blue.save(file, "JPEG", exif=exif, quality=95)
    encoded = thumbnail(file.getvalue(), 100)
    image = opened(encoded)
    assert image.size == (50, 100)
    pixels = np.asarray(image)
    assert pixels[10, 25, 0] > 200 > 100 > pixels[10, 25, 2]
    assert pixels[90, 25, 2] > 200 > 100 > pixels[90, 25, 0]
    assert not image.getexif()
    assert b"Camera" not in encoded


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (b"", InvalidImage),
        (b"no picture", InvalidImage),
        (b"\xff\xd8\xff\xe0 broken", InvalidImage),
        (b"GIF89a...", UnsupportedImageFormat),
        (b"\xff\xd8\xff" + bytes(11 * 1024 * 1024), ImageTooLarge),
    ],
)
def test_what_is_no_picture_is_refused(image: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        asyncio.run(Thumbnails().reduced(image, 160))


def test_a_phones_picture_costs_little() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (54, 75, 3), np.uint8)
    large = Image.fromarray(noise).resize((7500, 4800), Image.Resampling.BICUBIC)  # 36 megapixels
    file = io.BytesIO()
    large.save(file, "JPEG", quality=90)
    del large
    thumbnail(file.getvalue(), 160)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    assert opened(thumbnail(file.getvalue(), 160)).size == (160, 102)
    assert time.process_time() - began < PATIENCE_SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_many_are_made_a_few_at_a_time() -> None:
    async def all_of_them() -> list[bytes]:
        thumbnails = Thumbnails()
        return await asyncio.gather(*(thumbnails.reduced(picture(1), side) for side in range(16, 48)))

    assert [max(opened(encoded).size) for encoded in asyncio.run(all_of_them())] == list(range(16, 48))
