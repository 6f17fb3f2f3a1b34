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

    `clears_picture`: a row of Student or Teacher is kept and loses its picture. `cascades` are tables whose
    rows the database deletes or changes by itself, on any level, when rows that they refer to are deleted.
    `audit_entries` of the audit name the person, and will no more.
    """

    rows: Mapping[str, int]
    kept: Mapping[str, int]
    face_ids: tuple[int, ...]
    clears_picture: bool
    cascades: tuple[str, ...]
    audit_entries: int

    @property
    def are_any(self) -> bool:
        """Whether anything is known of the person."""
        return any({**self.rows, **self.kept, ORPHANS: 0}.values()) or self.audit_entries > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What was deleted. `wal_emptied` says on SQLite whether the bytes are gone from its files, else None."""

    traces: Traces
    wal_emptied: bool | None


class Eraser(Protocol):
    """The database, for erasing a person. It blocks and raises DatabaseError, as Database does."""

    def find(self, erasure: Erasure) -> Traces:
        """What `erase` would delete.

        Raises:
            PersonNotFound: nothing is known of that code.
            InvalidRequest: what is to be kept would be deleted by foreign keys of the school's own.
        """
        ...

    def erase(self, erasure: Erasure) -> Erased:
        """Delete it, in one transaction with a note in the change table, and the bytes from the file as well.

        Raises:
            PersonNotFound: nothing is known of that code.
            InvalidRequest: as `find`; or a table of the school's own refers to the rows. Nothing was deleted.
        """
        ...
