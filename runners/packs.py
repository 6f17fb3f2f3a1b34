"""Which of a pack's files is the detector, and which the recogniser?"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rollcall.core.errors import ModelNotLoaded
from runners.aligner import CROP_SIDE
from runners.detector import STRIDES
from runners.graph import GraphSummary, NotOnnx, summarise

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """The two files of a pack that are used.

    `scales_itself`: see embedder.crop_blob. `batches`: whether the recogniser takes several crops a run.
    `detector_size`: width and height, where the detector takes one size only.
    """

    detector: Path
    recogniser: Path
    scales_itself: bool
    batches: bool
    detector_size: tuple[int, int] | None


def find_pack(model_dir: Path, name: str) -> Pack:
    """Look into MODEL_DIR/<name>/ by the graphs, not by file names; a pack may hold further networks.

    Raises:
        ModelNotLoaded: there is no such folder, or it lacks a detector or a recogniser.
    """
    folder = model_dir / name
    if not folder.is_dir():
        raise ModelNotLoaded(f"There is no model pack {name}.", model=name)
    graphs = dict(_graphs(folder, name))
    detector = next((path for path, graph in graphs.items() if _is_detector(graph)), None)
    recogniser = next((path for path, graph in graphs.items() if _is_recogniser(graph)), None)
    if detector is None:
        raise ModelNotLoaded(f"Model pack {name} has no SCRFD detector with landmarks.", model=name)
    if recogniser is None:
        raise ModelNotLoaded(f"Model pack {name} has no ArcFace recogniser.", model=name)
    return Pack(
        detector=detector,
        recogniser=recogniser,
        scales_itself=_scales_itself(graphs[recogniser]),
        batches=graphs[recogniser].inputs[0][0] is None,
        detector_size=_fixed_size(graphs[detector]),
    )


def _graphs(folder: Path, name: str) -> Iterator[tuple[Path, GraphSummary]]:
    # antelopev2's archive unpacks into a folder of the same name within the pack's own.
    for path in sorted(folder.glob("*.onnx")) or sorted((folder / name).glob("*.onnx")):
        try:
            yield path, summarise(path)
        except NotOnnx:
            _log.warning("%s in model pack %s cannot be read as an ONNX model.", path.name, name)


def _fixed_size(detector: GraphSummary) -> tuple[int, int] | None:
    _, _, height, width = detector.inputs[0]
    return None if width is None or height is None else (width, height)


def _is_detector(graph: GraphSummary) -> bool:
    return len(graph.inputs) == 1 and len(graph.inputs[0]) == 4 and len(graph.outputs) in STRIDES


def _is_recogniser(graph: GraphSummary) -> bool:
    """One picture of 112 x 112 in, one vector out. Landmark networks take 192, age and gender 96."""
    if len(graph.inputs) != 1 or len(graph.outputs) != 1 or len(graph.inputs[0]) != 4:
        return False
    batch, _, height, width = graph.inputs[0]
    return batch in (None, 1) and height == width == CROP_SIDE


def _scales_itself(graph: GraphSummary) -> bool:
    """Whether the graph begins by subtracting and multiplying, as those exported from MXNet do.

    The rule, down to the names, is InsightFace's (ArcFaceONNX), so that every pack that it reads is read
    alike.
    """
    names = graph.first_nodes
    subtracts = any(name.startswith(("Sub", "_minus")) for name in names)
    multiplies = any(name.startswith(("Mul", "_mul")) for name in names)
    return subtracts and multiplies
