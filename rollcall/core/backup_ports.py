"""What backing up, restoring and erasing ask of the rest, as Protocols. Beside ports.py, which is long."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from rollcall.core.audit import Action, Audit, Detail
from rollcall.core.backup import Batch, Columns, Contents, Manifest, Origin, Section


class Progress(Protocol):
    """Is told how far a step has come; `total` is in the same unit as `done`."""

    def __call__(self, step: str, done: int, total: int) -> None: ...


class ReadableTables(Protocol):
    """The tables as they are at one moment, whatever others write meanwhile."""

    def count(self, section: Section) -> int: ...

    def read(self, section: Section, columns: Columns) -> Iterator[Batch]:
        """All rows, in the order of their keys, in pieces of a few megabytes. Embeddings whose face is gone
        are left out. A column that the table lacks is NULL."""
        ...

    def without_transactions(self, sections: Iterable[Section]) -> Sequence[str]:
        """Names of those tables whose storage engine knows no transactions."""
        ...


class WritableTables(ReadableTables, Protocol):
    """The same within one transaction that holds the lock of `Changes.lock`.

    There are no embeddings without a face, which a restored face of that Id would inherit.
    """

    @property
    def audit(self) -> Audit: ...

    @property
    def max_statement_bytes(self) -> int | None:
        """The longest statement that the database takes; None for no limit. For each byte of a picture there
        are two in a statement."""
        ...

    def insert(self, batch: Batch) -> None:
        """Add rows as they are. Of the log those get other Ids whose own others may take meanwhile.

        Raises:
            InvalidRequest: a row does not fit this database; the message names it.
        """
        ...

    def update(self, batch: Batch) -> None:
        """Give the rows of these Ids, which must exist, these values.

        Raises:
            InvalidRequest: a row does not fit this database; the message names it.
        """
        ...

    def clear(self, section: Section) -> None:
        """Delete the rows that `read` gives."""
        ...

    def ensure_session(self, session_id: int) -> bool:
        """Whether the session exists. In a Sessions table made by us an absent one is added."""
        ...

    def lost_by_clearing(self, section: Section, columns: Columns) -> Sequence[str]:
        """What else would be lost by replacing the rows: values in other columns, but for those that fill
        themselves, and rows of other tables that refer to them."""
        ...


class Copies(Protocol):
    """The database, for copying it out and in. It blocks and raises DatabaseError, as Database does."""

    @property
    def kind(self) -> str:
        """`sqlite` or `mysql`."""
        ...

    def reading(self) -> AbstractContextManager[ReadableTables]: ...

    def note(self, action: Action, **details: Detail) -> None:
        """Append to the audit, in a transaction of its own."""
        ...

    def writing(self) -> AbstractContextManager[WritableTables]:
        """Committed when the block ends, with a note in the change table that everything changed; rolled
        back when it raises."""
        ...


class ArchiveWriter(Protocol):
    def add(self, batch: Batch) -> None:
        """Write a part. Sections must come in their order."""
        ...

    @property
    def manifest(self) -> Manifest:
        """What has been written so far."""
        ...


class ArchiveReader(Protocol):
    def batches(self) -> Iterator[Batch]:
        """Every part, once. What is damaged raises where it is met, so trust nothing before the end.

        Raises:
            InvalidRequest: the archive is damaged, incomplete or no archive.
        """
        ...

    @property
    def manifest(self) -> Manifest:
        """Known when `batches` has ended."""
        ...

    @property
    def position_bytes(self) -> int: ...

    @property
    def size_bytes(self) -> int: ...


class Archives(Protocol):
    """Archive files."""

    def create(
        self, file: Path, origin: Origin, contents: Contents, *, passphrase: bytes | None, overwrite: bool
    ) -> AbstractContextManager[ArchiveWriter]:
        """The file is there, complete, when the block has ended, and not at all when it raises.

        Raises:
            InvalidRequest: the file exists and must not be overwritten, or cannot be written.
        """
        ...

    def open(self, file: Path, *, passphrase: bytes | None) -> AbstractContextManager[ArchiveReader]:
        """Begin to read a file.

        Raises:
            InvalidRequest: there is no such file, or the passphrase is wrong, missing or not needed.
        """
        ...
