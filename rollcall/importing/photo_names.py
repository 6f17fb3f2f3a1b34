"""Names of photos: which are pictures, whose they are, and which must not be followed."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from rollcall.core.imports import PHOTO_SUFFIXES, Trouble
from rollcall.core.people import fold_code

_DRIVE: Final = re.compile(r"[A-Za-z]:")
_LONGEST_NAME: Final = 1000
# Those that cannot be read as well, so that a row tells of each.
_PICTURES: Final = (
    *(*PHOTO_SUFFIXES, ".jfif"),
    *(".heic", ".heif", ".avif", ".bmp", ".gif", ".tif", ".tiff"),
)

OUTSIDE: Final = Trouble(
    code="PHOTO_OUTSIDE",
    reason="The photo's name leads out of the folder of photos.",
    what_to_do="Put the photo into the folder, and write its name there.",
)
NOT_A_NAME: Final = Trouble(
    code="PHOTO_NAME",
    reason="The cell holds a picture, or anything but the name of a file.",
    what_to_do="Save the picture as a file in the folder of photos, and write its name into the cell.",
)
MISSING: Final = Trouble(
    code="PHOTO_MISSING",
    reason="There is no photo of this name.",
    what_to_do="Put the photo among the others, or correct its name in the list; then import again.",
)
EMPTY: Final = Trouble(
    code="PHOTO_EMPTY",
    reason="The photo is an empty file.",
    what_to_do="Copy it anew from the camera, or take it again; then import again.",
)
TOO_LARGE: Final = Trouble(
    code="IMAGE_TOO_LARGE",
    reason="The photo has more than 10 MB.",
    what_to_do="Save it smaller, such as with 2000 pixels a side, and import again.",
)
UNREADABLE: Final = Trouble(
    code="PHOTO_UNREADABLE",
    reason="The photo's file cannot be read.",
    what_to_do="See whether it opens on your computer; copy it anew, and import again.",
)


def is_picture(name: str) -> bool:
    """By its suffix; files whose name begins with a dot are leftovers of systems."""
    return name.lower().endswith(_PICTURES) and not name.rpartition("/")[2].startswith(".")


def plain(name: str) -> str:
    """As names are compared: without regard to case and to how accents are written."""
    return unicodedata.normalize("NFC", name).lower()


def path_of(name: str) -> str | Trouble:
    """A name from a list as a path below the folder of photos, with slashes."""
    if len(name) > _LONGEST_NAME or name.lower().startswith("data:") or "\0" in name:
        return NOT_A_NAME
    path = name.replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or _DRIVE.match(path) or ".." in parts or not parts:
        return OUTSIDE
    return "/".join(parts)


class NameIndex:
    """Photos by the code that their file or folder is named after, and by their path.

    About 200 bytes a photo.
    """

    def __init__(self, names: Iterable[str], otherwise: "NameIndex | None" = None) -> None:
        """`names` are paths with slashes; of pictures that lie in more than one folder nothing is kept.

        `otherwise` is asked for what is not found.
        """
        self._otherwise = otherwise
        self._by_code: dict[str, list[str]] = {}
        for name in names:
            if is_picture(name) and name.count("/") <= 1:
                self._by_code.setdefault(fold_code(plain(_code_of(name))), []).append(name)

    def of_code(self, code: str) -> tuple[str, ...]:
        found = tuple(sorted(self._by_code.get(fold_code(plain(code)), ())))
        return self._otherwise.of_code(code) if not found and self._otherwise else found

    def people(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Every code, as it is spelt, with its photos."""
        for key in sorted(self._by_code):
            names = tuple(sorted(self._by_code[key]))
            yield _code_of(names[0]).strip(), names

    def like(self, path: str) -> str | None:
        """The photo of this path but for case and the way in which accents are written."""
        wanted = plain(path)
        found = self._by_code.get(fold_code(plain(_code_of(path))), ())
        return next((name for name in found if plain(name) == wanted), None)


def _code_of(name: str) -> str:
    """`S001.jpg` → `S001`, `S001/a.jpg` → `S001`."""
    folder, slash, _ = name.partition("/")
    return folder if slash else name.rpartition(".")[0]
