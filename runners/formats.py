"""Which kind of file is this? Told by its first bytes; names and declared content types are not trusted."""

import re
from enum import StrEnum

from rollcall.core.errors import InvalidImage, UnsupportedImageFormat


class Format(StrEnum):
    """The accepted formats, by Pillow's names."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WEBP"

    @property
    def content_type(self) -> str:
        return f"image/{self.lower()}"


_ACCEPTED = (
    (re.compile(rb"\xff\xd8\xff"), Format.JPEG),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), Format.PNG),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), Format.WEBP),
)

# Pictures all right, but not ours: the caller is told to convert them, not that they are broken.
_KNOWN = (
    ("GIF", re.compile(rb"GIF8[79]a")),
    # "BM" alone begins many a text; bytes 14 to 17 hold the size of one of the known headers.
    ("BMP", re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL)),
    ("TIFF", re.compile(rb"II[*+]\0|MM\0[*+]")),
    ("ICO", re.compile(rb"\0\0[\x01\x02]\0[^\0]\0")),
    ("HEIC", re.compile(rb".{4}ftyp(hei|hev|mif1|msf1)", re.DOTALL)),
    ("AVIF", re.compile(rb".{4}ftypavi[fs]", re.DOTALL)),
    ("JPEG 2000", re.compile(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51")),
    ("JPEG XL", re.compile(rb"\0\0\0\x0cJXL \r\n\x87\n|\xff\x0a")),
    ("PDF", re.compile(rb"%PDF-")),
    ("SVG", re.compile(rb"(\xef\xbb\xbf)?\s*<(svg|(\?xml|!--|!DOCTYPE svg).*<svg)", re.DOTALL)),
    ("PSD", re.compile(rb"8BPS")),
    ("PNM", re.compile(rb"P[1-7][ \t\r\n][ \t\r\n#0-9]")),
    ("OpenEXR", re.compile(rb"\x76\x2f\x31\x01")),
    ("QOI", re.compile(rb"qoif")),
)

_HEAD_BYTES = 1024


def format_of(encoded: bytes) -> Format:
    """The format of an encoded picture.

    Raises:
        UnsupportedImageFormat: a picture or document of a kind that is known and not accepted.
        InvalidImage: nothing, or no kind of picture that is known here.
    """
    if not encoded:
        raise InvalidImage("The picture is empty.")
    head = encoded[:_HEAD_BYTES]
    for pattern, accepted in _ACCEPTED:
        if pattern.match(head):
            return accepted
    for name, pattern in _KNOWN:
        if pattern.match(head):
            raise UnsupportedImageFormat(f"{name} pictures are not supported.", format=name)
    raise InvalidImage
