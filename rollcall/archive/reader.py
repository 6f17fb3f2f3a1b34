"""Reads an archive, and trusts nothing in it."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from rollcall.archive import manifest, parts
from rollcall.archive.tar import Member, Source, read_members
from rollcall.archive.writer import part_name
from rollcall.core.backup import Batch, Columns, Manifest, Part, Section
from rollcall.core.errors import InvalidRequest


class TarReader:
    """Implements core.backup_ports.ArchiveReader; `source` is what `file` holds in clear."""

    def __init__(self, source: Source, file: BinaryIO, size_bytes: int) -> None:
        self._source, self._file = source, file
        self._size_bytes = size_bytes
        self._parts: list[Part] = []
        self._numbers = Counter[Section]()
        self._shapes: set[tuple[Section, Columns]] = set()
        self._manifest: Manifest | None = None

    @property
    def manifest(self) -> Manifest:
        if self._manifest is None:
            raise InvalidRequest("The archive is incomplete: it has no manifest.")
        return self._manifest

    @property
    def position_bytes(self) -> int:
        return self._file.tell()

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def batches(self) -> Iterator[Batch]:
        """Every part, once.

        Raises:
            InvalidRequest: the archive is damaged, incomplete or no archive.
        """
        for member in read_members(self._source, {manifest.NAME: manifest.MAX_BYTES}):
            if self._manifest is not None:
                raise InvalidRequest("The archive holds something after its manifest.")
            if member.name == manifest.NAME:
                self._manifest = manifest.decode(member.content)
            else:
                yield self._batch(member)
        self._compare(self.manifest)

    def _batch(self, member: Member) -> Batch:
        section = self._section(member.name)
        batch = parts.decode(section, member.content)
        self._shapes.add((section, batch.columns))
        self._parts.append(
            Part(
                name=member.name,
                section=section,
                rows=len(batch.rows),
                size_bytes=len(member.content),
                sha256=hashlib.sha256(member.content).hexdigest(),
            )
        )
        return batch

    def _section(self, name: str) -> Section:
        """The section of the part that must come next, if its name says so."""
        order = list(Section)
        begun = order.index(self._parts[-1].section) if self._parts else 0
        for section in order[begun:]:
            if name == part_name(section, self._numbers[section] + 1):
                self._numbers[section] += 1
                return section
        raise InvalidRequest("The archive holds something that does not belong there, or lacks a part.")

    def _compare(self, told: Manifest) -> None:
        found = {part.name: part for part in self._parts}
        for part in told.parts:
            if found.pop(part.name, None) != part:
                raise InvalidRequest(f"The archive's part {part.name} is missing or damaged.")
        expected = {(section, told.contents.columns(section)) for section in told.contents.sections}
        if found or not self._shapes <= expected:
            raise InvalidRequest("The archive holds something that its manifest does not name.")
