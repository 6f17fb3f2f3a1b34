"""A tiny model pack and pictures of people that it knows: generated, deterministic, nobody's face.

A synthetic person is a square card of 8 x 8 light and dark fields with a magenta marker in its middle. The
detector finds the marker and answers with a box and landmarks at fixed distances; the recogniser reads the
fields. Both are real ONNX graphs of the shapes that SCRFD and ArcFace have, so everything around them runs as
it does with a real pack.
"""

import io
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is missing")

DIMENSIONS = 512
# Each person is a row of a Hadamard matrix. Those are orthogonal, so different people have cosine 0; the
# first row is all light and no pattern.
PEOPLE = 63

_FIELDS = 8  # fields along a side of the card
_CARD = 112  # pixels of the card's side, in the detector's 640-pixel view
_PITCH = 120  # from one card to the next
_MARKER = 24
_VIEW = 640
_STRIDES = (8, 16, 32)
_LIGHT, _DARK = 192, 64  # about the middle of the scale, so that a card is neither bright nor dark
_GROUND = (118, 128, 138)
_MAGENTA = (255, 0, 255)
# ArcFace's five points (see runners/aligner.py), which make the recogniser's crop exactly the card.
_LANDMARKS = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)


def write_pack(
    folder: Path, *, dimensions: int = DIMENSIONS, seed: int = 20, tells_people_apart: bool = True
) -> None:
    """Write det_synthetic.onnx and rec_synthetic.onnx; the folder's name becomes the model's.

    Another `seed` is another model: its embeddings cannot be compared with those of the first. One that does
    not tell people apart has the same embedding for everybody.
    """
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(_detector(), folder / "det_synthetic.onnx")
    recogniser = _recogniser(dimensions, seed, tells_people_apart)
    onnx.save(recogniser, folder / "rec_synthetic.onnx")


def picture(
    *people: int, size: tuple[int, int] = (640, 480), format: Literal["JPEG", "PNG", "WEBP"] = "JPEG"
) -> bytes:
    """An encoded picture of these people (0 to 62) side by side, in rows where they need more room than one.

    Any `size` will do whose longer side is at most five times the shorter, for as many people as fit.
    """
    canvas = Image.new("RGB", size, _GROUND)
    scale = max(size) / _VIEW
    columns, rows = (int(side / scale) // _PITCH for side in size)
    if len(people) > columns * rows:
        raise ValueError(f"{len(people)} people do not fit into a picture of {size[0]} x {size[1]}.")
    side = round(_CARD * scale)
    for place, person in enumerate(people):
        row, column = divmod(place, columns)
        # The middles lie on multiples of 8 in the detector's view: on its anchor points.
        left, top = ((n * _PITCH + (_PITCH - _CARD) // 2 + 4) * scale for n in (column, row))
        card = Image.fromarray(_card(person)).resize((side, side), Image.Resampling.BICUBIC)
        canvas.paste(card, (round(left), round(top)))
    return _encode(canvas, format)


def empty_picture(
    *, size: tuple[int, int] = (640, 480), format: Literal["JPEG", "PNG", "WEBP"] = "JPEG"
) -> bytes:
    """An encoded picture that shows nobody."""
    return picture(size=size, format=format)


def _encode(canvas: Image.Image, format: str) -> bytes:
    out = io.BytesIO()
    options: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": 95, "subsampling": 0},
        "PNG": {},
        "WEBP": {"lossless": True},
    }
    canvas.save(out, format, **options[format.upper()])
    return out.getvalue()


def _card(person: int) -> NDArray[np.uint8]:
    """(224, 224, 3) RGB."""
    if not 0 <= person < PEOPLE:
        raise ValueError(f"There are {PEOPLE} synthetic people, from 0 on.")
    fields = np.where(_hadamard(_FIELDS**2)[person + 1].reshape(_FIELDS, _FIELDS) > 0, _LIGHT, _DARK)
    field_side = 2 * _CARD // _FIELDS
    pixels = np.kron(fields, np.ones((field_side, field_side), int)).astype(np.uint8)
    card = np.repeat(pixels[:, :, np.newaxis], 3, axis=2)
    first, last = _CARD - _MARKER, _CARD + _MARKER
    card[first:last, first:last] = _MAGENTA
    return card


def _hadamard(order: int) -> NDArray[np.int64]:
    """Sylvester's construction; `order` is a power of two."""
    matrix = np.ones((1, 1), np.int64)
    while len(matrix) < order:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix


def _recogniser(dimensions: int, seed: int, tells_people_apart: bool) -> onnx.ModelProto:
    """Mean grey of each field → zero mean → so many numbers, by one matrix; or the same ones for all."""
    fields = _FIELDS**2
    seen = np.ones(fields)
    seen.reshape(_FIELDS, _FIELDS)[3:5, 3:5] = 0  # the marker is the same on everybody
    centring = np.diag(seen) - np.outer(seen, seen) / seen.sum()
    random = np.random.default_rng(seed).standard_normal((max(dimensions, fields), fields))
    rotation = np.linalg.qr(random)[0].T[:, :dimensions]
    matrix = (centring @ rotation).astype(np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["input"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("AveragePool", ["grey"], ["fields"], kernel_shape=[14, 14], strides=[14, 14]),
        helper.make_node("Flatten", ["fields"], ["row"], axis=1),
        helper.make_node("MatMul", ["row", "matrix"], ["output" if tells_people_apart else "person"]),
    ]
    weights = [numpy_helper.from_array(matrix, "matrix")]
    if not tells_people_apart:
        nodes += [
            helper.make_node("Mul", ["person", "zero"], ["nobody"]),
            helper.make_node("Add", ["nobody", "one"], ["output"]),
        ]
        weights += [
            numpy_helper.from_array(np.array(n, np.float32), name) for n, name in ((0, "zero"), (1, "one"))
        ]
    return _model(nodes, weights, side=_CARD, outputs={"output": ["batch", dimensions]})


def _detector() -> onnx.ModelProto:
    """The marker's magenta, as a mean about each anchor point, gives the scores; the rest is constant."""
    # Red without green, and blue without green.
    difference = np.array([[1, -1, 0], [0, -1, 1]], np.float32).reshape(2, 3, 1, 1)
    nodes = [
        helper.make_node("Conv", ["input", "difference"], ["excess"]),
        helper.make_node("ReduceMin", ["excess"], ["magenta"], axes=[1], keepdims=1),
        # A window of the marker's size, centred on the anchor point, which is the upper left of a cell.
        helper.make_node(
            "AveragePool",
            ["magenta"],
            ["mean"],
            kernel_shape=[_MARKER, _MARKER],
            strides=[8, 8],
            pads=[_MARKER // 2, _MARKER // 2, _MARKER // 2 - 8, _MARKER // 2 - 8],
            count_include_pad=1,
        ),
    ]
    weights = [
        numpy_helper.from_array(difference, "difference"),
        numpy_helper.from_array(np.array(-1, np.float32), "border"),
        numpy_helper.from_array(np.array(6, np.float32), "steepness"),
        numpy_helper.from_array(np.array(0, np.float32), "zero"),
    ]
    outputs: dict[str, list[str | int | None]] = {}
    for kind, width in (("score", 1), ("box", 4), ("landmarks", 10)):
        for stride in _STRIDES:
            outputs[f"{kind}{stride}"] = ["batch", f"rows{stride}", width]
    for stride in _STRIDES:
        nodes += _head(stride)
        weights += _head_weights(stride)
    return _model(nodes, weights, side=None, outputs=outputs)


def _head(stride: int) -> list[onnx.NodeProto]:
    """Outputs of one stride. Only the finest ever finds anything: the others take their scores times zero."""
    factor = "steepness" if stride == _STRIDES[0] else "zero"
    s = str(stride)
    step = stride // _STRIDES[0]

    def node(op: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
        return helper.make_node(op, inputs, [output], **attributes)

    return [
        node("AveragePool", ["mean"], "cell" + s, kernel_shape=[1, 1], strides=[step, step]),
        node("Add", ["cell" + s, "border"], "above" + s),
        node("Mul", ["above" + s, factor], "logit" + s),
        node("Sub", ["logit" + s, "handicap" + s], "logits" + s),  # a second anchor that always scores less
        node("Sigmoid", ["logits" + s], "scores" + s),
        node("Transpose", ["scores" + s], "ordered" + s, perm=[0, 2, 3, 1]),
        node("Reshape", ["ordered" + s, "rows1"], "score" + s),
        node("Mul", ["score" + s, "zero"], "nothing" + s),
        node("Add", ["nothing" + s, "box_distances" + s], "box" + s),
        node("Add", ["nothing" + s, "landmark_distances" + s], "landmarks" + s),
    ]


def _head_weights(stride: int) -> list[onnx.TensorProto]:
    box = np.array([48, 56, 48, 56], np.float32) / stride
    landmarks = (_LANDMARKS - _CARD / 2).reshape(-1).astype(np.float32) / stride
    # Times zero leaves a probability of one half, which is below any border in use.
    handicap = np.array([0, 2], np.float32).reshape(1, 2, 1, 1)
    arrays = [
        numpy_helper.from_array(box, f"box_distances{stride}"),
        numpy_helper.from_array(landmarks, f"landmark_distances{stride}"),
        numpy_helper.from_array(handicap, f"handicap{stride}"),
    ]
    if stride == _STRIDES[0]:
        arrays.append(numpy_helper.from_array(np.array([0, -1, 1], np.int64), "rows1"))
    return arrays


def _model(
    nodes: list[onnx.NodeProto],
    weights: list[onnx.TensorProto],
    *,
    side: int | None,
    outputs: dict[str, list[str | int | None]],
) -> onnx.ModelProto:
    shape: list[str | int | None] = ["batch", 3, side or "height", side or "width"]
    graph = helper.make_graph(
        nodes,
        "synthetic",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in outputs.items()],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model
