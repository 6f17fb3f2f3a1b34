"""The people of a load test, and the pictures that they hand in."""

import base64
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

PICTURE_SIZE = (1480, 832)  # of the pictures for which SPEC section 5 states its limits
MAX_PICTURES = 4  # of one person
MAX_DOUBLES = 9999
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
_QUALITY = 90
_WALL = (118, 128, 138)
# Where runners/sample.py's scene can be cut so that each part has one face: left, upper, right, lower.
_ONE_FACE_EACH = ((0, 0, 330, 370), (330, 0, 640, 360), (0, 380, 380, 640), (380, 370, 640, 640))


class NoVisitors(Exception):
    """There are no pictures to hand in; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody with pictures. All codes under which they are enrolled begin with `mark`.

    The mark is made of the pictures, so that no person of a real school has such a code, and the next run
    finds its own people again.
    """

    mark: str  # six characters, of the ten that a code may have
    pictures: Sequence[bytes]  # JPEGs of PICTURE_SIZE

    @property
    def code(self) -> str:
        return self.double(0)

    def double(self, number: int) -> str:
        """A further code under which the same face can be enrolled, to make a gallery larger."""
        return f"{self.mark}{number:04}"

    def is_meant_by(self, code: object) -> bool:
        """Whether it is this visitor's code; a double's is as right, for it has the same face."""
        return isinstance(code, str) and code.startswith(self.mark)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who comes to a kiosk, who logs in, and who is enrolled while the others do."""

    students: Sequence[Visitor]
    teachers: Sequence[Visitor]
    newcomers: Sequence[Visitor]

    @classmethod
    def of(cls, visitors: Sequence[Visitor]) -> "Cast":
        """An eighth are newcomers, a quarter teachers, at least one of each; the rest are students.

        Raises:
            NoVisitors: there are fewer than three.
        """
        if len(visitors) < 3:
            raise NoVisitors(f"The pictures show {len(visitors)} people; at least three are needed.")
        newcomers = max(1, len(visitors) // 8)
        teachers = newcomers + max(1, len(visitors) // 4)
        return cls(
            students=visitors[teachers:],
            teachers=visitors[newcomers:teachers],
            newcomers=visitors[:newcomers],
        )


def visitors_of(folder: Path) -> list[Visitor]:
    """One for each folder in this one, or for each picture where there are no folders.

    Raises:
        NoVisitors: the folder is missing or has no pictures, or one cannot be read.
    """
    if not folder.is_dir():
        raise NoVisitors(f"There is no folder {folder}.")
    groups = [_pictures_in(person) for person in sorted(folder.iterdir()) if person.is_dir()]
    groups = [group for group in groups if group] or [[path] for path in _pictures_in(folder)]
    if not groups:
        raise NoVisitors(f"{folder} has no pictures.")
    return [_visitor([path.read_bytes() for path in group[:MAX_PICTURES]]) for group in groups]


def drawn_visitors() -> list[Visitor]:
    """Four drawn faces, where there are no photographs."""
    from runners.sample import scene  # imports OpenCV

    drawn = Image.fromarray(scene()[:, :, ::-1].copy())
    return [_visitor([_encoded(drawn.crop(part))]) for part in _ONE_FACE_EACH]


def empty_room() -> bytes:
    """A picture of nobody."""
    return _encoded(Image.linear_gradient("L").convert("RGB").resize(PICTURE_SIZE))


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)


def _visitor(pictures: Sequence[bytes]) -> Visitor:
    digest = hashlib.sha256(b"".join(pictures)).digest()
    mark = "L" + base64.b32encode(digest).decode()[:5]
    return Visitor(mark=mark, pictures=tuple(_fitted(picture) for picture in pictures))


def _fitted(picture: bytes) -> bytes:
    """As a camera would send it: a JPEG of PICTURE_SIZE, with a plain border where the shape is another."""
    try:
        with Image.open(io.BytesIO(picture)) as image:
            if image.format == "JPEG" and image.size == PICTURE_SIZE:
                return picture
            image.draft("RGB", PICTURE_SIZE)  # libjpeg scales big ones while it decodes
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except OSError as error:
        raise NoVisitors(f"A picture cannot be read: {error}") from None
    return _encoded(ImageOps.pad(upright, PICTURE_SIZE, color=_WALL))


def _encoded(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
