"""What runs a network, how it is chosen, and how many cores it may use."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from rollcall.core.errors import ModelNotLoaded
from runners import sample
from runners.backends import (
    Backend,
    Blob,
    OnnxRuntimeSession,
    OpenVinoSession,
    Precision,
    cuda_is_installed,
    openvino_precisions,
)
from runners.cores import available_cores
from runners.detector import Detector, canvas_blob
from runners.embedder import crop_blob
from runners.graph import with_open_batch
from runners.probe import (
    MAX_COSINE_LOSS,
    MAX_SCORE_DIFFERENCE,
    Trial,
    choose,
    cosine_loss,
    opens_exactly,
    score_difference,
    try_backend,
)
from tests.packs import SHARED, needs_shared

REAL = SHARED / "models" / "scrfd_mbf"
CROPS = crop_blob(sample.crops(), scales_itself=False)


def save_recogniser(path: Path, *, reshape_to: tuple[int, ...] = (1, 12)) -> None:
    """A recogniser exported for one crop a run: means of areas, reshaped, times a matrix."""
    nodes = [
        helper.make_node("AveragePool", ["x"], ["areas"], kernel_shape=[56, 56], strides=[56, 56]),
        helper.make_node("Reshape", ["areas", "shape"], ["row"]),
        helper.make_node("MatMul", ["row", "matrix"], ["y"]),
    ]
    weights = [
        numpy_helper.from_array(np.array(reshape_to, np.int64), "shape"),
        numpy_helper.from_array(np.random.default_rng(1).normal(size=(12, 8)).astype(np.float32), "matrix"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 112, 112])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8])
    graph = helper.make_graph(nodes, "graph", [x], [y], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def trial(path: Path, *, max_deviation: float = MAX_COSINE_LOSS, blob: Blob = CROPS) -> Trial:
    return Trial(name=path.name, source=path, blob=blob, deviation=cosine_loss, max_deviation=max_deviation)


@needs_shared
@pytest.mark.skipif(not openvino_precisions(), reason="OpenVINO is not installed")
@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("precision", openvino_precisions())
def test_openvino_is_as_faithful_as_is_asked_of_it(precision: Precision, alone: bool) -> None:
    blob = canvas_blob(sample.scene())
    expected = OnnxRuntimeSession(REAL / "det_2.5g.onnx", threads=2).run(blob)
    session = OpenVinoSession(REAL / "det_2.5g.onnx", threads=2, precision=precision)
    session.prepare_lone_runs()
    assert score_difference(expected, session.run(blob, alone=alone)) <= MAX_SCORE_DIFFERENCE


@needs_shared
def test_what_is_chosen_costs_a_small_recogniser_no_more_than_a_thousandth() -> None:
    name = "mobilefacenet.onnx"
    expected = OnnxRuntimeSession(REAL / name, threads=2).run(CROPS)
    chosen = choose(trial(REAL / name), threads=2, backend="auto").run(CROPS)
    assert cosine_loss(expected, chosen) <= MAX_COSINE_LOSS


@needs_shared
def test_a_drawn_scene_shows_faces_to_a_real_detector() -> None:
    session = OnnxRuntimeSession(REAL / "det_2.5g.onnx", threads=2)
    [faces] = Detector(session).detect([sample.scene()])
    assert len(faces) >= 1
    assert len({crop.tobytes() for crop in sample.crops()}) == 16


def test_a_backend_that_deviates_too_far_is_not_chosen(tmp_path: Path) -> None:
    save_recogniser(tmp_path / "r.onnx")
    strict = Trial(
        name="r.onnx",
        source=tmp_path / "r.onnx",
        blob=CROPS[:1],
        deviation=lambda reference, outputs: 0.0 if reference is outputs else 1.0,
        max_deviation=0.5,
    )
    session = OnnxRuntimeSession(tmp_path / "r.onnx", threads=1)
    assert try_backend(strict, "x", lambda: session, session.run(strict.blob), may_fail=True) is None


def test_a_network_that_answers_no_numbers_is_not_used(tmp_path: Path) -> None:
    nodes = [helper.make_node("Div", ["x", "x"], ["y"])]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy")
    graph = helper.make_graph(nodes, "graph", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "r.onnx")
    nothing = np.zeros((1, 4), np.float32)
    with pytest.raises(ModelNotLoaded, match="faithfully"):
        choose(trial(tmp_path / "r.onnx", blob=nothing), threads=1, backend="auto")


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_the_backend_asked_for_is_the_one_used(backend: Backend, tmp_path: Path) -> None:
    if backend == "openvino" and not openvino_precisions():
        pytest.skip("OpenVINO is not installed")
    save_recogniser(tmp_path / "r.onnx")
    chosen = choose(trial(tmp_path / "r.onnx", blob=CROPS[:1]), threads=2, backend=backend)
    assert chosen.backend == backend


@pytest.mark.skipif(cuda_is_installed(), reason="this ONNX Runtime has CUDA")
def test_cuda_asked_for_and_not_there_is_never_replaced_by_the_processor(tmp_path: Path) -> None:
    save_recogniser(tmp_path / "r.onnx")
    with pytest.raises(ModelNotLoaded, match="CUDA"):
        choose(trial(tmp_path / "r.onnx", blob=CROPS[:1]), threads=1, backend="cuda")
    with pytest.raises(ModelNotLoaded, match="CUDA"):
        OnnxRuntimeSession(tmp_path / "r.onnx", threads=1, cuda=True)


def test_a_graph_for_one_crop_is_opened_for_many_where_that_is_exact(tmp_path: Path) -> None:
    save_recogniser(tmp_path / "r.onnx")
    opened = with_open_batch(tmp_path / "r.onnx")
    assert opens_exactly(tmp_path / "r.onnx", opened, [CROPS[:1], CROPS[1:2]])
    together = OnnxRuntimeSession(opened, threads=1).run(CROPS)[0]
    single = OnnxRuntimeSession(tmp_path / "r.onnx", threads=1)
    apart = np.concatenate([single.run(CROPS[i : i + 1])[0] for i in range(len(CROPS))])
    np.testing.assert_allclose(together, apart, rtol=1e-5)


def test_a_graph_that_mixes_its_crops_is_left_as_it_is(tmp_path: Path) -> None:
    save_recogniser(tmp_path / "r.onnx", reshape_to=(-1, 4, 3))
    # (-1, 4, 3) leaves the batch alone, but the matrix no longer fits: any failure means "not exactly".
    opened = with_open_batch(tmp_path / "r.onnx")
    assert not opens_exactly(tmp_path / "r.onnx", opened, [CROPS[:1], CROPS[1:2]])


def test_the_cores_are_those_of_the_container(tmp_path: Path) -> None:
    cores = len(os.sched_getaffinity(0))
    assert available_cores(tmp_path, tmp_path / "none") == cores
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert available_cores(tmp_path, tmp_path / "none") == cores
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert available_cores(tmp_path, tmp_path / "none") == 1
    (tmp_path / "cpu.max").write_text(f"{100000 * cores * 4} 100000\n")
    assert available_cores(tmp_path, tmp_path / "none") == cores


def test_the_cores_of_an_older_container_are_found_too(tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("100000\n")
    assert available_cores(tmp_path, tmp_path / "none") == 1
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    assert available_cores(tmp_path, tmp_path / "none") == len(os.sched_getaffinity(0))


def test_the_quota_of_a_group_further_down_counts(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("0::/system.slice/rollcall.service\n")
    (tmp_path / "system.slice" / "rollcall.service").mkdir(parents=True)
    (tmp_path / "system.slice" / "cpu.max").write_text("100000 100000\n")
    assert available_cores(tmp_path, own) == 1


def test_scores_that_are_no_numbers_deviate() -> None:
    good = [np.zeros((4, 1), np.float32)] * 9
    bad = [good[0], np.full((4, 1), np.nan, np.float32), *good[2:]]
    assert not score_difference(good, bad) <= MAX_SCORE_DIFFERENCE


class Broken:
    """Opens, but cannot run."""

    backend = "cuda"
    input_shape = (None, 3, 112, 112)

    def prepare_lone_runs(self) -> None:
        """Nothing to prepare."""

    def run(self, blob: Blob, *, alone: bool = False) -> list[NDArray[np.float32]]:  # noqa: ARG002
        raise RuntimeError("the driver is broken")


def test_a_backend_that_cannot_run_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    save_recogniser(tmp_path / "r.onnx")
    tried = trial(tmp_path / "r.onnx", blob=CROPS[:1])
    assert try_backend(tried, "cuda", Broken, [], may_fail=True) is None
    with pytest.raises(ModelNotLoaded, match="cuda"):
        try_backend(tried, "cuda", Broken, [], may_fail=False)
