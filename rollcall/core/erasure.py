"""What is known of one person, and what became of it, as values and Protocols."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from rollcall.core.people import PersonKey

# In place of a table's name: embeddings of faces that somebody else deleted. Nobody can say whose they were,
# so each erasure takes them too.
ORPHANS: Final = "RollcallEmbeddings without a face"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Whom to erase. With `keep_person` the row of Student or Teacher stays, without its picture."""

    person: PersonKey
    keep_person: bool = False
    keep_attendance: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """Rows by table, those that are kept by a wish included, and the Ids of the person's faces.

    `cascades` are tables of the school's own whose rows go, or are changed, with the person's.
    """

    rows: Mapping[str, int]
    kept: Mapping[str, int]
    face_ids: tuple[int, ...]
    cascades: tuple[str, ...] = ()


class Eraser(Protocol):
    """The database, for erasing a person. It blocks and raises DatabaseError, as Database does."""

    def find(self, erasure: Erasure) -> Traces:
        """What `erase` would delete."""
        ...

    def erase(self, erasure: Erasure) -> Traces:
        """Delete it, in one transaction with a note in the change table, and the bytes from the file as well.

        Raises:
            InvalidRequest: a table of the school's own refers to the rows; nothing was deleted.
        """
        ...
