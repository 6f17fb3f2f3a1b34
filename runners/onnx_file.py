"""What an ONNX file says of itself, without loading its weights.

ONNX Runtime shows a graph's inputs and outputs only after loading everything, and its nodes never. The format
is Protocol Buffers' wire format (protobuf.dev/programming-guides/encoding) with the stable field numbers of
onnx.proto3; the few fields needed here are read from a memory map, so a file of 250 MB costs a few pages. It
saves the `onnx` package and a second copy of the weights in memory at run time.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Shape: TypeAlias = tuple[int | None, ...]  # None where the graph leaves a dimension open
_Span: TypeAlias = tuple[int, int]  # where a message begins and ends in the file
_Field: TypeAlias = tuple[int, "int | _Span"]  # its number, and its value or where that lies

_VARINT, _FIXED64, _MESSAGE, _FIXED32 = 0, 1, 2, 5


class NotOnnx(Exception):
    """The bytes are not an ONNX model."""


class _Missing(ValueError):
    """A message lacks a field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphSummary:
    """Shapes of the graph's inputs (weights left out) and outputs, and the names of its first nodes."""

    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    first_nodes: tuple[str, ...]


def summarise(path: Path, *, first_nodes: int = 8) -> GraphSummary:
    """Read a file's summary.

    Raises:
        NotOnnx: it cannot be read as an ONNX model.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _summarise(data, first_nodes)
    except (OSError, ValueError, IndexError) as error:
        raise NotOnnx(f"{path.name} is not an ONNX model.") from error


def _summarise(data: mmap.mmap, first_nodes: int) -> GraphSummary:
    graph = _only(data, (0, len(data)), 7)  # ModelProto.graph
    nodes: list[str] = []
    weights: set[str] = set()
    inputs: dict[str, Shape] = {}
    outputs: dict[str, Shape] = {}
    for number, value in _fields(data, graph):
        if isinstance(value, int):
            continue
        if number == 1 and len(nodes) < first_nodes:  # GraphProto.node
            nodes.append(_name(data, value, 3))
        elif number == 5:  # GraphProto.initializer
            weights.add(_name(data, value, 8))
        elif number == 11:  # GraphProto.input
            inputs[_name(data, value, 1)] = _shape(data, value)
        elif number == 12:  # GraphProto.output
            outputs[_name(data, value, 1)] = _shape(data, value)
    # Before ONNX IR 4 the weights were listed among the inputs too.
    real_inputs = tuple(shape for name, shape in inputs.items() if name not in weights)
    return GraphSummary(inputs=real_inputs, outputs=tuple(outputs.values()), first_nodes=tuple(nodes))


def _shape(data: mmap.mmap, value_info: _Span) -> Shape:
    """ValueInfoProto.type (2) .tensor_type (1) .shape (2) .dim (1) .dim_value (1); empty where not given."""
    span = value_info
    try:
        for number in (2, 1, 2):
            span = _only(data, span, number)
    except _Missing:
        return ()
    dimensions = []
    for number, dimension in _fields(data, span):
        if number == 1 and not isinstance(dimension, int):
            sizes = [size for n, size in _fields(data, dimension) if n == 1 and isinstance(size, int)]
            dimensions.append(sizes[0] if sizes and sizes[0] > 0 else None)
    return tuple(dimensions)


def _name(data: mmap.mmap, message: _Span, field: int) -> str:
    for number, value in _fields(data, message):
        if number == field and not isinstance(value, int):
            return data[value[0] : value[1]].decode("utf-8", "replace")
    return ""


def _only(data: mmap.mmap, message: _Span, field: int) -> _Span:
    for number, value in _fields(data, message):
        if number == field and not isinstance(value, int):
            return value
    raise _Missing(f"field {field} is missing")


def _fields(data: mmap.mmap, message: _Span) -> Iterator[_Field]:
    """The fields of one message, one after the other."""
    position, end = message
    while position < end:
        key, position = _varint(data, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, position = _varint(data, position)
            yield number, value
        elif wire_type == _MESSAGE:
            length, position = _varint(data, position)
            if position + length > end:
                raise ValueError("a field reaches beyond its message")
            yield number, (position, position + length)
            position += length
        elif wire_type in (_FIXED64, _FIXED32):
            position += 8 if wire_type == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire_type}")


def _varint(data: mmap.mmap, position: int) -> tuple[int, int]:
    """A base-128 number, and the position behind it."""
    value = shift = 0
    while shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("a number without an end")
