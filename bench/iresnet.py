"""An IResNet-50 with the compute of w600k_r50.onnx and random weights.

The layers are those of InsightFace's `iresnet50` as its ONNX export has them: a BatchNorm behind a
convolution is folded into it, the one before a block's first convolution stays. Duta et al. (2021), "Improved
Residual Networks for Image and Video Recognition"; Deng et al. (2019), "ArcFace".
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

DIMENSIONS = 512
SIDE = 112  # pixels of a crop

_STAGES = ((64, 3), (128, 4), (256, 14), (512, 3))  # channels and blocks; each stage halves the side
_SLOPE = 0.25  # of PReLU below zero, where its training begins
# What a block adds to the variance of what passes by it. Little: with random weights the layers would
# otherwise make all faces alike, and a trained network does not do that.
_BRANCH_VARIANCE = 0.1

Weights = NDArray[np.float32]


@dataclass(slots=True)
class _Graph:
    """An ONNX graph that grows at its end."""

    random: np.random.Generator
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Append a node with one output; returns the output's name."""
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def constant(self, values: Weights) -> str:
        name = f"weights_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def conv(self, x: str, shape: tuple[int, int, int], *, stride: int = 1, variance: float = 1.0) -> str:
        """A convolution of (outputs, inputs, side) whose output has so many times its input's variance."""
        outputs, inputs, side = shape
        deviation = np.float32(np.sqrt(variance / (inputs * side * side)))
        kernel = self.random.standard_normal((outputs, inputs, side, side), np.float32) * deviation
        bias = np.zeros(outputs, np.float32)
        pads = [side // 2] * 4
        names = [x, self.constant(kernel), self.constant(bias)]
        return self.add("Conv", names, kernel_shape=[side, side], strides=[stride, stride], pads=pads)

    def prelu(self, x: str, channels: int) -> str:
        return self.add("PRelu", [x, self.constant(np.full((channels, 1, 1), _SLOPE, np.float32))])

    def batch_norm(self, x: str, mean: Weights, variance: Weights) -> str:
        scale, bias = np.ones_like(mean), np.zeros_like(mean)
        return self.add("BatchNormalization", [x, *map(self.constant, (scale, bias, mean, variance))])


# The share of the variance that PReLU lets through.
_PRELU_VARIANCE = (1 + _SLOPE**2) / 2


def iresnet50(seed: int = 50) -> onnx.ModelProto:
    """The recogniser: (n, 3, 112, 112) in -1..1 → (n, 512). The same weights for the same seed."""
    graph = _Graph(np.random.default_rng(seed))
    x = graph.prelu(graph.conv("input", (64, 3, 3)), 64)
    channels, variance = 64, _PRELU_VARIANCE
    for width, blocks in _STAGES:
        for block in range(blocks):
            x = _block(graph, x, channels, width, stride=2 if block == 0 else 1, variance=variance)
            channels, variance = width, (1.0 if block == 0 else variance) + _BRANCH_VARIANCE
    x = _flat_norm(graph, x, channels, variance)
    x = graph.add("Flatten", [x], axis=1)
    _fully_connected(graph, x, channels * (SIDE // 16) ** 2)
    return _model(graph)


def _block(graph: _Graph, x: str, inputs: int, outputs: int, *, stride: int, variance: float) -> str:
    y = _flat_norm(graph, x, inputs, variance)
    y = graph.prelu(graph.conv(y, (outputs, inputs, 3)), outputs)
    gain = _BRANCH_VARIANCE / _PRELU_VARIANCE
    y = graph.conv(y, (outputs, outputs, 3), stride=stride, variance=gain)
    if stride != 1:
        x = graph.conv(x, (outputs, inputs, 1), stride=stride, variance=1 / variance)
    return graph.add("Add", [y, x])


def _flat_norm(graph: _Graph, x: str, channels: int, variance: float) -> str:
    """A BatchNorm whose statistics are those that the weights lead one to expect."""
    return graph.batch_norm(x, np.zeros(channels, np.float32), np.full(channels, variance, np.float32))


def _fully_connected(graph: _Graph, x: str, inputs: int) -> None:
    deviation = np.float32(np.sqrt(1 / inputs))
    kernel = graph.random.standard_normal((DIMENSIONS, inputs), np.float32) * deviation
    bias = np.zeros(DIMENSIONS, np.float32)
    x = graph.add("Gemm", [x, graph.constant(kernel), graph.constant(bias)], transB=1)
    graph.batch_norm(x, np.zeros(DIMENSIONS, np.float32), np.ones(DIMENSIONS, np.float32))


def _model(graph: _Graph) -> onnx.ModelProto:
    output = graph.nodes[-1].output[0]
    made = helper.make_graph(
        graph.nodes,
        "iresnet50",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", DIMENSIONS])],
        graph.weights,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model
