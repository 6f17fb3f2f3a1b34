"""Encoded bytes → upright pixels."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rollcall.core.errors import ImageTooLarge, InvalidImage, UnsupportedImageFormat
from runners.picture import MAX_ENCODED_BYTES, decode
from tests.packs import SHARED, needs_shared

FORMATS = SHARED / "photos" / "formats"
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
ORIENTATION = 0x0112

# Pillow warns of what these tests break on purpose.
broken_exif = pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin")


def encode(image: Image.Image, format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def four_corners(width: int = 60, height: int = 40) -> Image.Image:
    """Red, green, blue and white, in reading order."""
    image = Image.new("RGB", (width, height), RED)
    for colour, x, y in ((GREEN, width // 2, 0), (BLUE, 0, height // 2), (WHITE, width // 2, height // 2)):
        image.paste(colour, (x, y, x + width // 2, y + height // 2))
    return image


def stored(image: Image.Image, orientation: int) -> Image.Image:
    """How a camera stores an upright image under an EXIF orientation."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    return image if orientation == 1 else image.transpose(undo[orientation])


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    return tags


def corners(encoded: bytes) -> list[tuple[int, ...]]:
    """The RGB colours near the corners, rounded to full or nothing."""
    pixels = decode(encoded).pixels
    spots = (pixels[5, 5], pixels[5, -6], pixels[-6, 5], pixels[-6, -6])
    return [tuple(round(channel / 255) * 255 for channel in spot[::-1]) for spot in spots]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(format: str, orientation: int) -> None:
    encoded = encode(stored(four_corners(), orientation), format, exif=exif(orientation))
    picture = decode(encoded)
    assert (picture.width, picture.height, picture.scale) == (60, 40, 1.0)
    assert picture.pixels.shape == (40, 60, 3)
    assert corners(encoded) == [RED, GREEN, BLUE, WHITE]


def test_a_png_that_keeps_its_exif_behind_the_pixels_comes_out_upright() -> None:
    encoded = encode(stored(four_corners(), 6), "PNG", exif=exif(6))
    start = encoded.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(encoded[start : start + 4])
    moved = encoded[:start] + encoded[end:-12] + encoded[start:end] + encoded[-12:]
    assert corners(moved) == [RED, GREEN, BLUE, WHITE]


@broken_exif
@pytest.mark.parametrize(
    "block", [b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"nonsense"]
)
def test_a_broken_exif_block_is_as_good_as_none(block: bytes) -> None:
    assert corners(encode(four_corners(), "JPEG", exif=block)) == [RED, GREEN, BLUE, WHITE]


def test_an_orientation_that_does_not_exist_is_as_good_as_none() -> None:
    assert corners(encode(four_corners(), "PNG", exif=exif(42))) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize(
    ("mode", "format"),
    [
        ("L", "JPEG"), ("CMYK", "JPEG"), ("L", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("RGBA", "PNG"),
        ("RGBA", "WEBP"), ("1", "PNG"),
    ],
)  # fmt: skip
def test_every_kind_of_pixel_becomes_bgr(mode: str, format: str) -> None:
    encoded = encode(four_corners().convert(mode), format, **({"lossless": True} if format == "WEBP" else {}))
    pixels = decode(encoded).pixels
    assert pixels.dtype == np.uint8
    assert pixels.shape == (40, 60, 3)
    assert pixels[-6, -6].min() > 240  # white stays white
    if mode in ("P", "RGBA", "CMYK"):
        assert corners(encoded)[0] == RED


def test_a_palette_with_transparency_becomes_bgr() -> None:
    encoded = encode(four_corners().convert("P"), "PNG", transparency=0)
    assert corners(encoded) == [RED, GREEN, BLUE, WHITE]


def test_sixteen_bits_become_eight() -> None:
    encoded = encode(Image.fromarray(np.full((20, 20), 0x8000, np.uint16)), "PNG")
    assert set(np.unique(decode(encoded).pixels)) <= {127, 128, 129}


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_picture_of_one_pixel_decodes(format: str) -> None:
    picture = decode(encode(Image.new("RGB", (1, 1), WHITE), format))
    assert (picture.width, picture.height, picture.pixels.shape) == (1, 1, (1, 1, 3))


def test_a_picture_of_36_megapixels_is_reduced_and_remembers_its_size() -> None:
    picture = decode(encode(four_corners(7360, 4912), "JPEG", exif=exif(1)))
    assert (picture.width, picture.height, picture.scale) == (7360, 4912, 4.0)
    assert picture.pixels.shape == (1228, 1840, 3)


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_a_big_png_or_webp_is_reduced_too(format: str) -> None:
    picture = decode(encode(four_corners(5000, 2500), format))
    assert (picture.width, picture.height) == (5000, 2500)
    assert picture.pixels.shape == (1300, 2600, 3)
    assert picture.scale == pytest.approx(5000 / 2600)


def test_a_reduced_picture_that_lies_on_its_side_comes_out_upright() -> None:
    picture = decode(encode(stored(four_corners(4000, 3000), 6), "JPEG", exif=exif(6)))
    assert (picture.width, picture.height, picture.scale) == (4000, 3000, 2.0)
    assert picture.pixels.shape == (1500, 2000, 3)


def test_a_picture_of_2600_pixels_is_left_as_it_is() -> None:
    assert decode(encode(four_corners(2600, 100), "JPEG")).scale == 1.0


@pytest.mark.parametrize("size", [(8200, 8200), (20_000, 20), (30_000, 30_000)])
def test_too_many_pixels_are_refused_without_decoding_them(size: tuple[int, int]) -> None:
    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    empty_data = struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    with pytest.raises(ImageTooLarge):
        decode(b"\x89PNG\r\n\x1a\n" + chunk + empty_data)


def test_more_than_10_megabytes_are_refused() -> None:
    with pytest.raises(ImageTooLarge):
        decode(b"\xff\xd8\xff" + bytes(MAX_ENCODED_BYTES))


@pytest.mark.parametrize(
    "head",
    [
        b"GIF89a\x01\0\x01\0", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"\0\0\x01\0\x01\0", b"%PDF-1.7\n",
        b"\0\0\0\x18ftypheic\0\0\0\0", b"\0\0\0\x1cftypavif\0\0\0\0", b"\0\0\0\x0cjP  \r\n\x87\n",
        b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>', b"<svg></svg>",
        b"8BPS\0\x01", b"P6\n2 2\n255\n", b"\xff\x0a\xfa",
    ],
)  # fmt: skip
def test_other_kinds_of_pictures_are_named_as_such(head: bytes) -> None:
    with pytest.raises(UnsupportedImageFormat):
        decode(head + bytes(64))


@pytest.mark.parametrize(
    "encoded",
    [
        b"", b"hello", b"BMW is a car, and this is no bitmap", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0" + b"  ",
        b"\x89PNG\r\n\x1a\n", b"RIFF\x10\0\0\0WEBPVP8 ", b"RIFF\x10\0\0\0WAVEfmt ", b"<html></html>",
        b"\0\0\0\x18ftypmp42\0\0\0\0",
    ],
)  # fmt: skip
def test_what_is_no_picture_is_invalid(encoded: bytes) -> None:
    with pytest.raises(InvalidImage):
        decode(encoded)


@broken_exif
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_damaged_picture_decodes_or_is_invalid_but_nothing_else(format: str) -> None:
    whole = bytearray(encode(four_corners(), format, exif=exif(6)))
    random = np.random.default_rng(7)
    for _ in range(60):
        damaged = bytearray(whole[: random.integers(12, len(whole) + 1)])
        for place in random.integers(8, len(damaged), 4):
            damaged[place] = random.integers(256)
        try:
            decode(bytes(damaged))
        except (InvalidImage, ImageTooLarge, UnsupportedImageFormat):
            continue


@needs_shared
@pytest.mark.parametrize("name", ["einstein.jpeg", "einstein.png", "einstein.webp"])
def test_the_three_formats_decode(name: str) -> None:
    picture = decode((FORMATS / name).read_bytes())
    assert (picture.width, picture.height) == (256, 256)
    assert picture.content_type == f"image/{name.partition('.')[2]}"


@needs_shared
@pytest.mark.parametrize("name", ["einstein.gif", "einstein.ico", "einstein.bmp", "einstein.tiff"])
def test_the_other_formats_are_unsupported(name: str) -> None:
    with pytest.raises(UnsupportedImageFormat):
        decode((FORMATS / name).read_bytes())


@needs_shared
@pytest.mark.parametrize("name", ["corrupted.png", "empty.png"])
def test_the_broken_files_are_invalid(name: str) -> None:
    with pytest.raises(InvalidImage):
        decode((FORMATS / name).read_bytes())


@needs_shared
def test_a_jpeg_whose_end_is_missing_still_decodes() -> None:
    picture = decode((FORMATS / "truncated.jpg").read_bytes())
    assert (picture.width, picture.height) == (225, 225)
