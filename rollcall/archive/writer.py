"""Writes an archive: a tar of parts, the manifest last."""

import hashlib
from collections import Counter

from rollcall.archive import manifest, parts
from rollcall.archive.tar import END, Member, Sink, write_member
from rollcall.core.backup import Batch, Contents, Manifest, Origin, Part, Section


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
        """Write as many parts as the rows need.

        Raises:
            InvalidRequest: a row is larger than an archive can hold.
        """
        for rows, content in parts.encode(batch):
            self._add(batch.section, rows, content)

    def _add(self, section: Section, rows: int, content: bytes) -> None:
        self._numbers[section] += 1
        part = Part(
            name=part_name(section, self._numbers[section]),
            section=section,
            rows=rows,
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
        """Write the manifest and the end; nothing may be added afterwards.

        Raises:
            InvalidRequest: there are more parts than a manifest can name.
        """
        write_member(self._file, Member(name=manifest.NAME, content=manifest.encode(self.manifest)))
        self._file.write(END)
