"""Rows as the content of parts: JSON lines in gzip. The first line names the columns."""

import base64
import binascii
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from typing import Any, Final

from rollcall.core.backup import ALL_COLUMNS, PICTURED, Batch, Cell, Columns, Row, Section
from rollcall.core.errors import InvalidRequest

_GZIP: Final = 31  # zlib's word for gzip's header and trailer
_LEVEL: Final = 1
_INTEGERS: Final = range(-(2**63), 2**63)
# Random digits and bytes have no repetitions to find, and looking for them takes three times as long.
_RANDOM: Final = (Section.FACES, Section.EMBEDDINGS)

# A few bytes can stand for gigabytes, and JSON takes twenty times its length when it is read. So there are
# limits to a line, with and without its picture, and to a part.
_MAX_TEXT_BYTES: Final = 4 * 2**20
_MAX_PICTURE_BYTES: Final = 32 * 2**20
_MAX_PART_BYTES: Final = 8 * 2**20  # where it has several rows
_MAX_ROWS: Final = 10_000

# What is before and behind a picture in its line.
_BEFORE: Final = b',{"base64":"'
_BEHIND: Final = b'"}]\n'
_MAX_ENCODED_BYTES: Final = (_MAX_PICTURE_BYTES + 2) // 3 * 4 + len(_BEFORE) + len(_BEHIND)


class _Packer:
    """The content of one part."""

    def __init__(self, section: Section) -> None:
        strategy = zlib.Z_HUFFMAN_ONLY if section in _RANDOM else zlib.Z_DEFAULT_STRATEGY
        self._packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP, zlib.DEF_MEM_LEVEL, strategy)
        self._packed: list[bytes] = []
        self._size_bytes, self.rows = 0, -1  # the names of the columns are none

    def has_room(self, size_bytes: int) -> bool:
        return self.rows < 1 or (self._size_bytes + size_bytes <= _MAX_PART_BYTES and self.rows < _MAX_ROWS)

    def add(self, line: list[bytes]) -> None:
        self._packed += map(self._packer.compress, line)
        self._size_bytes += sum(map(len, line))
        self.rows += 1

    def content(self) -> bytes:
        return b"".join([*self._packed, self._packer.flush()])


def encode(batch: Batch) -> Iterator[tuple[int, bytes]]:
    """The contents of as many parts as the rows need, each with the number of its rows.

    Raises:
        InvalidRequest: a row is more than a part can hold.
    """
    packer = _begun(batch)
    for row in batch.rows:
        line = _line(row)
        if len(line[0]) > _MAX_TEXT_BYTES or sum(map(len, line[1:])) > _MAX_ENCODED_BYTES:
            raise InvalidRequest(f"A row of {batch.section} is too large: {row[0]!r}.")
        if not packer.has_room(sum(map(len, line))):
            yield packer.rows, packer.content()
            packer = _begun(batch)
        packer.add(line)
    yield packer.rows, packer.content()


def decode(section: Section, content: bytes) -> Batch:
    """One part's rows.

    Raises:
        InvalidRequest: the content is none that `encode` gives.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as lines:
            columns = _columns(section, json.loads(lines.readline(_MAX_TEXT_BYTES)))
            rows = list(_rows(lines, section, columns))
    except (ValueError, TypeError, KeyError, RecursionError, EOFError, OSError, zlib.error):
        # ValueError is also what json, base64 and UTF-8 raise.
        raise InvalidRequest(f"The archive is damaged: it holds {section} that cannot be read.") from None
    return Batch(section=section, columns=columns, rows=rows)


def _begun(batch: Batch) -> _Packer:
    packer = _Packer(batch.section)
    packer.add(_line(batch.columns))
    return packer


def _line(row: Row) -> list[bytes]:
    """In pieces, so that a picture at the end is copied no more often than it must be."""
    *cells, last = row
    if not isinstance(last, bytes):
        return [_json(row) + b"\n"]
    return [_json(cells)[:-1], _BEFORE, base64.b64encode(last), _BEHIND]


def _json(cells: Any) -> bytes:
    # In ASCII: SQLite may hold text that is not UTF-8, which has no other form in JSON.
    return json.dumps([_encoded(cell) for cell in cells], separators=(",", ":")).encode("ascii")


def _encoded(cell: Cell) -> object:
    return {"base64": base64.b64encode(cell).decode("ascii")} if isinstance(cell, bytes) else cell


def _rows(lines: gzip.GzipFile, section: Section, columns: Columns) -> Iterator[Row]:
    has_pictures = section in PICTURED and columns == ALL_COLUMNS[section]
    longest = _MAX_TEXT_BYTES + (_MAX_ENCODED_BYTES if has_pictures else 0)
    size_bytes, count = 0, 0
    while line := lines.readline(longest + 1):
        size_bytes, count = size_bytes + len(line), count + 1
        if len(line) > longest or count > _MAX_ROWS or (count > 1 and size_bytes > _MAX_PART_BYTES):
            raise ValueError
        yield _row(line, len(columns))


def _columns(section: Section, found: object) -> Columns:
    known = [list(ALL_COLUMNS[section])]
    if section in PICTURED:
        known.append(known[0][:-1])
    if found not in known:
        raise ValueError
    return ALL_COLUMNS[section][: len(known[known.index(found)])]


def _row(line: bytes, length: int) -> Row:
    picture: tuple[bytes, ...] = ()
    if len(line) > _MAX_TEXT_BYTES:
        start, end = line.rindex(_BEFORE), len(line) - len(_BEHIND)
        if start > _MAX_TEXT_BYTES or line[end:] != _BEHIND:
            raise ValueError
        picture = (binascii.a2b_base64(memoryview(line)[start + len(_BEFORE) : end], strict_mode=True),)
        line = line[:start] + b"]"
    values = json.loads(line)
    if not isinstance(values, list) or len(values) + len(picture) != length:
        raise ValueError
    return (*map(_decoded, values), *picture)


def _decoded(value: object) -> Cell:
    if isinstance(value, dict):
        [(kind, text)] = value.items()
        if kind != "base64":
            raise ValueError
        return binascii.a2b_base64(text, strict_mode=True)
    if value is None or isinstance(value, str | float):
        return value
    if isinstance(value, bool) or not isinstance(value, int) or value not in _INTEGERS:
        raise ValueError
    return value
