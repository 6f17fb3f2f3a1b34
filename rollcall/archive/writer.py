"""Writes an archive: a tar of parts, the manifest last."""

import hashlib
from collections import Counter
from typing import Final

from rollcall.archive import manifest, parts
from rollcall.archive.tar import END, Member, Sink, write_member
from rollcall.core.backup import Batch, Contents, Manifest, Origin, Part, Row, Section

# Batches with big pictures are cut, so that a part takes little memory.
_MAX_PART_BYTES: Final = 32 * 2**20  # where it has several rows


def part_name(section: Section, number: int) -> str:
    return f"{section}-{number:06}.jsonl.gz"


class TarWriter:
    """Implements core.backup_ports.ArchiveWriter. Without `finish` the archive is incomplete."""

    def __init__(self, file: Sink, origin: Origin, contents: Contents) -> None:
        self._file = file
        self._origin, self._contents = origin, contents
        self._parts: list[Part] = []
        self._numbers = Counter[Section]()

    def add(self, batch: Batch) -> None:
        """Write a part.

        Raises:
            InvalidRequest: a row is larger than an archive can hold.
        """
        middle = len(batch.rows) // 2
        if middle and sum(map(_size, batch.rows)) > _MAX_PART_BYTES:
            for rows in (batch.rows[:middle], batch.rows[middle:]):
                self.add(Batch(section=batch.section, columns=batch.columns, rows=rows))
            return
        content = parts.encode(batch)
        self._numbers[batch.section] += 1
        part = Part(
            name=part_name(batch.section, self._numbers[batch.section]),
            section=batch.section,
            rows=len(batch.rows),
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        self._parts.append(part)
        write_member(self._file, Member(name=part.name, content=content))

    @property
    def manifest(self) -> Manifest:
        """What has been written so far."""
        return Manifest(origin=self._origin, contents=self._contents, parts=tuple(self._parts))

    def finish(self) -> None:
        """Write the manifest and the end; nothing may be added afterwards."""
        write_member(self._file, Member(name=manifest.NAME, content=manifest.encode(self.manifest)))
        self._file.write(END)


def _size(row: Row) -> int:
    return sum(len(cell) for cell in row if isinstance(cell, str | bytes))
