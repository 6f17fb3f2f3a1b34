"""Rows as the content of a part: JSON lines in gzip. The first line names the columns."""

import base64
import binascii
import json
import zlib
from typing import Any, Final

from rollcall.archive.tar import MAX_MEMBER_BYTES
from rollcall.core.backup import ALL_COLUMNS, PICTURED, Batch, Cell, Columns, Row, Section
from rollcall.core.errors import InvalidRequest

_GZIP: Final = 31  # zlib's word for gzip's header and trailer
_LEVEL: Final = 1
_MAX_BYTES: Final = 2 * MAX_MEMBER_BYTES  # of the lines
_INTEGERS: Final = range(-(2**63), 2**63)
# Random digits and bytes have no repetitions to find, and looking for them takes three times as long.
_RANDOM: Final = (Section.FACES, Section.EMBEDDINGS)


def encode(batch: Batch) -> bytes:
    """The content of a part.

    Raises:
        InvalidRequest: it is more than a part can hold.
    """
    strategy = zlib.Z_HUFFMAN_ONLY if batch.section in _RANDOM else zlib.Z_DEFAULT_STRATEGY
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP, zlib.DEF_MEM_LEVEL, strategy)
    lines = (_line([_encoded(cell) for cell in row]) for row in (batch.columns, *batch.rows))
    packed, length = bytearray(), 0
    for line in lines:
        packed += packer.compress(line)
        length += len(line)
    packed += packer.flush()
    if length > _MAX_BYTES or len(packed) > MAX_MEMBER_BYTES:
        raise InvalidRequest(f"A row of {batch.section} is too large: {batch.rows[0][0]!r}.")
    return bytes(packed)


def decode(section: Section, content: bytes) -> Batch:
    """The inverse.

    Raises:
        InvalidRequest: the content is none that `encode` gives.
    """
    try:
        header, *lines = _unpacked(content).splitlines()
        columns = _columns(section, json.loads(header))
        rows = [_row(json.loads(line), len(columns)) for line in lines]
    except (ValueError, TypeError, KeyError, RecursionError, zlib.error):
        # ValueError is also what json, base64 and UTF-8 raise.
        raise InvalidRequest(f"The archive is damaged: it holds {section} that cannot be read.") from None
    return Batch(section=section, columns=columns, rows=rows)


def _line(values: list[Any]) -> bytes:
    # In ASCII: SQLite may hold text that is not UTF-8, which has no other form in JSON.
    return json.dumps(values, separators=(",", ":")).encode("ascii") + b"\n"


def _encoded(cell: Cell) -> object:
    return {"base64": base64.b64encode(cell).decode("ascii")} if isinstance(cell, bytes) else cell


def _unpacked(content: bytes) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    # Limited: a few bytes can stand for gigabytes.
    unpacked = unpacker.decompress(content, _MAX_BYTES + 1)
    if len(unpacked) > _MAX_BYTES or not unpacker.eof or unpacker.unused_data:
        raise ValueError
    return unpacked


def _columns(section: Section, found: object) -> Columns:
    known = [list(ALL_COLUMNS[section])]
    if section in PICTURED:
        known.append(known[0][:-1])
    if found not in known:
        raise ValueError
    return ALL_COLUMNS[section][: len(known[known.index(found)])]


def _row(values: object, length: int) -> Row:
    if not isinstance(values, list) or len(values) != length:
        raise ValueError
    return tuple(_decoded(value) for value in values)


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
