"""A tar archive of plain files, of which every byte is checked: the headers are as we write them, the padding
is zero, and nothing follows the end. A name out of it is never the name of a file.
"""

import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from rollcall.core.errors import InvalidRequest

BLOCK: Final = tarfile.BLOCKSIZE
END: Final = bytes(2 * BLOCK)
MAX_MEMBER_BYTES: Final = 40 * 2**20

_NAME: Final = slice(0, 100)
_SIZE: Final = slice(124, 136)  # octal digits


class Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


class Source(Protocol):
    def read(self, size: int, /) -> bytes:
        """Exactly `size` bytes; fewer only at the end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    name: str
    content: bytes


def write_member(file: Sink, member: Member) -> None:
    """Write one file's header, content and padding."""
    file.write(_header(member.name, len(member.content)))
    file.write(member.content)
    file.write(bytes(-len(member.content) % BLOCK))


def read_members(file: Source, max_bytes: Mapping[str, int]) -> Iterator[Member]:
    """All files, one at a time; `max_bytes` are limits by name, lower than MAX_MEMBER_BYTES.

    Raises:
        InvalidRequest: the archive is damaged, too short or too long, or not one of ours.
    """
    while (header := file.read(BLOCK)) != END[:BLOCK]:
        name, size = _parsed(header, max_bytes)
        content = file.read(size)
        padding = file.read(-size % BLOCK)
        if len(content) < size or len(padding) < -size % BLOCK:
            raise InvalidRequest("The archive is incomplete: it ends too early.")
        if any(padding):
            raise InvalidRequest("The archive is damaged.")
        yield Member(name=name, content=content)
    if file.read(BLOCK + 1) != END[BLOCK:]:
        raise InvalidRequest("The archive is damaged at its end.")


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.USTAR_FORMAT)


def _parsed(header: bytes, max_bytes: Mapping[str, int]) -> tuple[str, int]:
    if len(header) < BLOCK:
        raise InvalidRequest("The archive is incomplete: it ends too early.")
    try:
        name = header[_NAME].rstrip(b"\0").decode("ascii")
        size = int(header[_SIZE].rstrip(b"\0"), 8)
        # Whatever is not as we write it is damage.
        if size <= max_bytes.get(name, MAX_MEMBER_BYTES) and header == _header(name, size):
            return name, size
    except ValueError:
        pass
    raise InvalidRequest("The file is damaged, or no archive of Rollcall.")
