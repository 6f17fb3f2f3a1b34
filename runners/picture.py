"""Encoded bytes → pixels to work on, upright, and how they relate to the original picture."""

import io
import logging
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rollcall.core.errors import ImageTooLarge, InvalidImage
from runners.formats import Format, format_of

Pixels: TypeAlias = NDArray[np.uint8]  # (height, width, 3), BGR

MAX_ENCODED_BYTES = 10 * 1024 * 1024
# Phones and cameras in use take 12 to 50 megapixels. Uncompressed, 64 are 192 MB: the most one request may
# cost.
MAX_PIXELS = 64_000_000
# WebP's own limit. A longer side within MAX_PIXELS is a sliver that shows nobody.
MAX_SIDE = 16_383
# The detector looks at 640 pixels and the recogniser at 112 per face: of 2600 pixels, a face as small as the
# detector can find (a fortieth of the long side) still has 65. It leaves pictures of up to 5 megapixels as
# they are, and a 20-megapixel JPEG (5184 wide) comes out at exactly half, where libjpeg skips most of the
# work.
MAX_WORK_SIDE = 2600

# Pixel work takes a millisecond or two per picture; the cores belong to the networks' threads, and OpenCV's
# own pool would only fight them for those.
cv2.setNumThreads(1)

_log = logging.getLogger(__name__)

_ORIENTATION_TAG = 0x0112
_END_OF_JPEG = b"\xff\xd9"
_JPEG_REDUCTIONS = (
    (1, cv2.IMREAD_COLOR),
    (2, cv2.IMREAD_REDUCED_COLOR_2),
    (4, cv2.IMREAD_REDUCED_COLOR_4),
    (8, cv2.IMREAD_REDUCED_COLOR_8),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A decoded picture. A point of `pixels` times `scale` is a point of the upright original."""

    content_type: str
    pixels: Pixels
    width: int
    height: int
    scale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """What the file says of itself: `width` and `height` as stored, before the EXIF orientation (1 to 8)."""

    format: Format
    width: int
    height: int
    orientation: int


def decode(encoded: bytes, *, max_side: int = MAX_WORK_SIDE) -> Picture:
    """Decode a JPEG, PNG or WebP picture, upright; a long side beyond `max_side` pixels is reduced.

    Transparency is dropped, more than 8 bits are rounded, everything becomes BGR.

    Raises:
        ImageTooLarge: more than 10 MB, 64 megapixels or 16,383 pixels to a side; nothing is decoded then.
        UnsupportedImageFormat: a picture of another format.
        InvalidImage: anything else.
    """
    if len(encoded) > MAX_ENCODED_BYTES:
        raise ImageTooLarge(f"The picture has more than {MAX_ENCODED_BYTES // 1_000_000} MB.")
    header = _read_header(encoded)
    _check_size(header)
    pixels = _shrink(_decode_pixels(encoded, header, max_side), max_side)
    # The longer side has the smaller rounding error.
    scale = _scale(max(header.width, header.height), max(pixels.shape[:2]))
    width, height = header.width, header.height
    if header.orientation >= 5:
        width, height = height, width
    return Picture(
        content_type=header.format.content_type,
        pixels=_upright(pixels, header.orientation),
        width=width,
        height=height,
        scale=scale,
    )


def closer(encoded: bytes, picture: Picture, *, factor: float) -> Picture:
    """A picture that was reduced, decoded again with at least `factor` times as many pixels a side.

    The same picture where it has enough already; all pixels where there are no more.
    """
    if factor <= 1 or picture.scale <= 1:
        return picture
    divisor = next((d for d, _ in reversed(_JPEG_REDUCTIONS) if d * factor <= picture.scale), 1)
    return decode(encoded, max_side=-(-max(picture.width, picture.height) // divisor))


def _read_header(encoded: bytes) -> _Header:
    """Let Pillow read the header, and only the header: it decodes slower than OpenCV."""
    kind = format_of(encoded)
    try:
        with Image.open(io.BytesIO(encoded), formats=[kind]) as image:
            width, height = image.size
            exif = image.info.get("exif")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageTooLarge("The picture has too many pixels.") from None
    except Exception as error:
        # Whatever Pillow's parsers stumble over (struct, OS, value, syntax errors) is the file's fault.
        _log.debug("unreadable %s header: %s", kind, type(error).__name__)
        raise InvalidImage from None
    if kind is Format.PNG:
        # Pillow decodes a whole PNG to find an eXIf chunk behind the pixels.
        exif = _png_exif(encoded) or exif
    return _Header(format=kind, width=width, height=height, orientation=_orientation(exif))


def _orientation(exif: object) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or it cannot be read."""
    if not isinstance(exif, bytes):
        return 1
    try:
        tags = Image.Exif()
        tags.load(exif)
        value = tags.get(_ORIENTATION_TAG, 1)
    except Exception as error:
        # A broken EXIF block is no reason to refuse the pixels.
        _log.debug("unreadable EXIF: %s", type(error).__name__)
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _png_exif(encoded: bytes) -> bytes | None:
    """The contents of a PNG's eXIf chunk, wherever it lies."""
    position = 8
    while position + 8 <= len(encoded):
        length = int.from_bytes(encoded[position : position + 4])
        if encoded[position + 4 : position + 8] == b"eXIf":
            return encoded[position + 8 : position + 8 + length]
        position += length + 12
    return None


def _check_size(header: _Header) -> None:
    if header.width < 1 or header.height < 1:
        raise InvalidImage
    if header.width * header.height > MAX_PIXELS or max(header.width, header.height) > MAX_SIDE:
        raise ImageTooLarge(
            f"The picture has {header.width} x {header.height} pixels.",
            max_megapixels=MAX_PIXELS // 1_000_000,
        )


def _decode_pixels(encoded: bytes, header: _Header, max_side: int) -> Pixels:
    """Decode as stored, without the EXIF orientation; a big JPEG at 1/2, 1/4 or 1/8 by libjpeg."""
    flags = cv2.IMREAD_COLOR
    if header.format is Format.JPEG:
        flags = _jpeg_flags(max(header.width, header.height), max_side)
        if not encoded.endswith(_END_OF_JPEG):
            # OpenCV refuses a JPEG whose end is cut off; with an end it fills the rest with grey, as browsers
            # do.
            encoded += _END_OF_JPEG
    try:
        # OpenCV would turn JPEGs only, so we do it for all three formats.
        pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise InvalidImage
    return np.asarray(pixels, np.uint8)


def _jpeg_flags(long_side: int, max_side: int) -> int:
    for divisor, flags in _JPEG_REDUCTIONS:
        if long_side <= max_side * divisor:
            return flags
    return cv2.IMREAD_REDUCED_COLOR_8


def _shrink(pixels: Pixels, max_side: int) -> Pixels:
    height, width = pixels.shape[:2]
    long_side = max(width, height)
    if long_side <= max_side:
        return pixels
    size = (max(1, round(width * max_side / long_side)), max(1, round(height * max_side / long_side)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _scale(original_side: int, work_side: int) -> float:
    """Original pixels per work pixel. libjpeg rounds sizes up, so there the divisor itself is exact."""
    for divisor, _ in _JPEG_REDUCTIONS:
        if work_side == -(-original_side // divisor):
            return float(divisor)
    return original_side / work_side


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Turn and mirror stored pixels as the EXIF orientation (tag 274 of the EXIF standard) says.

    OpenCV flips left and right with 1, top and bottom with 0, both with -1.
    """
    # 5 to 8 are stored lying on their side: transposing stands them up mirrored.
    if orientation >= 5:
        pixels = np.asarray(cv2.transpose(pixels), np.uint8)
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return pixels if flip is None else np.asarray(cv2.flip(pixels, flip), np.uint8)
