"""A list of people and a place of photos, put together."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from rollcall.core.imports import ListedPerson, RowOutcome, Trouble
from rollcall.core.people import fold_code
from rollcall.importing.folder import FolderPhotos
from rollcall.importing.people_list import Line, PeopleList
from rollcall.importing.photo_names import NameIndex

NO_CODE: Final = Trouble(
    code="CODE_MISSING",
    reason="The line has no code.",
    what_to_do="Write the person's code into it, and import again.",
)
SURPLUS: Final = Trouble(
    code="TOO_MANY_CELLS",
    reason="The line has more cells than the first line has columns.",
    what_to_do='Put a cell that has commas or semicolons in it into quotation marks, such as "a.jpg;b.jpg", '
    "or write | between photos.",
)


class PhotoSource(Protocol):
    """Where photos are. All of it blocks."""

    @property
    def index(self) -> NameIndex: ...

    def read(self, name: str) -> bytes:
        """Raises PhotoTrouble."""
        ...


class ListedPhotos:
    """Implements core.imports.PhotoList."""

    def __init__(self, list: PeopleList | None, photos: PhotoSource) -> None:
        self._list = list
        self._photos = photos

    def people(self) -> Iterator[ListedPerson]:
        """See the Protocol. Remembers the codes of a list, to know those that come again."""
        if self._list is None:
            for code, photos in self._photos.index.people():
                yield ListedPerson(line=None, code=code, name="", photos=photos)
            return
        seen: dict[str, int] = {}
        for line in self._list.lines():
            former = seen.setdefault(fold_code(line.code), line.number) if line.code else line.number
            yield self._person(line, former)

    def read(self, photo: str) -> bytes:
        return self._photos.read(photo)

    def _person(self, line: Line, former: int) -> ListedPerson:
        trouble, outcome = None, RowOutcome.FAILED
        if not line.code:
            trouble = NO_CODE
        elif former != line.number:
            trouble, outcome = _repeats(former), RowOutcome.DUPLICATE
        elif line.surplus:
            trouble = SURPLUS
        return ListedPerson(
            line=line.number,
            code=line.code,
            name=line.name,
            photos=() if trouble else line.photos or self._photos.index.of_code(line.code),
            trouble=trouble,
            outcome=outcome,
        )


def _repeats(line: int) -> Trouble:
    return Trouble(
        code="DUPLICATE_LINE",
        reason=f"Line {line} has this code already; nothing was done for this line.",
        what_to_do="If it is the same person, write all photos into one line, with | between them. If not, "
        "give each their own code.",
    )


def in_folder(csv_file: Path | None, folder: Path) -> ListedPhotos:
    """Photos in a folder, with a list or without.

    Raises:
        InvalidRequest: there is no such folder.
    """
    return ListedPhotos(PeopleList(csv_file) if csv_file else None, FolderPhotos(folder))
