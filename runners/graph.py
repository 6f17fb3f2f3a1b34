"""What an ONNX file says of itself, and a batch dimension for graphs that lack one."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper

Shape: TypeAlias = tuple[int | None, ...]  # None where the graph leaves a dimension open


class NotOnnx(Exception):
    """The bytes are not an ONNX model."""


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
    graph = _load(path).graph
    # Before ONNX IR 4 the weights were listed among the inputs too.
    weights = {weight.name for weight in graph.initializer}
    return GraphSummary(
        inputs=tuple(_shape(value) for value in graph.input if value.name not in weights),
        outputs=tuple(_shape(value) for value in graph.output),
        first_nodes=tuple(node.name for node in graph.node[:first_nodes]),
    )


def with_open_batch(path: Path) -> bytes:
    """The model with any number of pictures per run, where it was exported for one.

    The first dimension of its input and outputs is left open, and a Reshape to (1, ...) keeps the batch
    instead. Whether a graph means the same afterwards must be tried: see probe.opens_exactly.

    Raises:
        NotOnnx: it cannot be read as an ONNX model.
    """
    model = _load(path)
    graph = model.graph
    weights = {weight.name: weight for weight in graph.initializer}
    for value in (*graph.input, *graph.output):
        if value.name not in weights and value.type.tensor_type.shape.dim:
            value.type.tensor_type.shape.dim[0].dim_param = "n"
    del graph.value_info[:]
    for node in graph.node:
        if node.op_type == "Reshape" and node.input[1] in weights:
            shape = numpy_helper.to_array(weights[node.input[1]]).copy()
            if shape.size and shape[0] == 1:
                shape[0] = 0  # "as it comes in"
                weights[node.input[1]].CopyFrom(numpy_helper.from_array(shape, node.input[1]))
    return bytes(model.SerializeToString())


def _load(path: Path) -> onnx.ModelProto:
    try:
        model = onnx.load(str(path))
    except (OSError, DecodeError, ValueError) as error:
        raise NotOnnx(f"{path.name} is not an ONNX model.") from error
    if not model.graph.node:
        raise NotOnnx(f"{path.name} is not an ONNX model.")
    return model


def _shape(value: onnx.ValueInfoProto) -> Shape:
    """Empty where the graph does not say."""
    return tuple(dim.dim_value if dim.dim_value > 0 else None for dim in value.type.tensor_type.shape.dim)
