"""Packs in a folder, and the cache that loads them."""

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from rollcall.core.errors import InvalidImage, ModelNotLoaded
from rollcall.core.faces import FALLBACK_MODEL, Reading, ReadRequest, Subjects
from runners.backends import Backend, OnnxRuntimeSession
from runners.graph import NotOnnx, summarise
from runners.local import LocalFaceReader
from runners.models import ModelCache
from runners.packs import find_pack
from tests.packs import DIMENSIONS, SHARED, needs_shared, picture, write_pack


def models(folder: Path, *, backend: Backend = "auto", fallback_allowed: bool = True) -> ModelCache:
    return ModelCache(model_dir=folder, threads=1, backend=backend, fallback_allowed=fallback_allowed)


def save_graph(
    path: Path, *, input_shape: list[int | str], outputs: int = 1, node_names: tuple[str, ...] = ()
) -> None:
    """A graph that passes its input on, under so many names."""
    nodes = [helper.make_node("Identity", ["x"], [f"y{i}"]) for i in range(outputs)]
    for node, name in zip(nodes, node_names, strict=False):
        node.name = name
    values = [helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT, None) for i in range(outputs)]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, input_shape)
    graph = helper.make_graph(nodes, "graph", [x], values)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def save_companions(folder: Path) -> None:
    """The further networks of buffalo_l, by shape."""
    save_graph(folder / "1k3d68.onnx", input_shape=["None", 3, 192, 192])
    save_graph(folder / "2d106det.onnx", input_shape=["None", 3, 192, 192])
    save_graph(folder / "genderage.onnx", input_shape=["None", 3, 96, 96])


def test_the_two_files_are_found_among_others(tmp_path: Path) -> None:
    write_pack(tmp_path / "big")
    save_companions(tmp_path / "big")
    (tmp_path / "big" / "0_broken.onnx").write_bytes(b"this is no network")
    pack = find_pack(tmp_path, "big")
    assert (pack.detector.name, pack.recogniser.name) == ("det_synthetic.onnx", "rec_synthetic.onnx")
    assert not pack.scales_itself


def test_a_nested_folder_of_the_same_name_is_looked_into(tmp_path: Path) -> None:
    write_pack(tmp_path / "antelopev2" / "antelopev2")
    assert find_pack(tmp_path, "antelopev2").detector.parent == tmp_path / "antelopev2" / "antelopev2"


@pytest.mark.parametrize(
    ("removed", "said"), [("det_synthetic.onnx", "detector"), ("rec_synthetic.onnx", "recogniser")]
)
def test_half_a_pack_is_refused_and_what_is_missing_is_said(tmp_path: Path, removed: str, said: str) -> None:
    write_pack(tmp_path / "half")
    save_companions(tmp_path / "half")
    (tmp_path / "half" / removed).unlink()
    with pytest.raises(ModelNotLoaded, match=said):
        models(tmp_path).engine("half")


@pytest.mark.parametrize(
    ("names", "scales_itself"),
    [
        (("Conv_0", "PRelu_1"), False), (("_minusscalar0", "_mulscalar0"), True), (("Sub_0", "Mul_2"), True),
        (("Sub_0", "Conv_1"), False), (("/Sub", "/Mul"), False),
    ],
)  # fmt: skip
def test_a_recogniser_says_by_its_first_nodes_whether_it_scales_pixels(
    tmp_path: Path, names: tuple[str, ...], scales_itself: bool
) -> None:
    write_pack(tmp_path / "p")
    (tmp_path / "p/rec_synthetic.onnx").unlink()
    path = tmp_path / "p/rec.onnx"
    save_graph(path, input_shape=[1, 3, 112, 112], node_names=names)
    model = onnx.load(path)
    for name in names[1:]:
        model.graph.node.append(helper.make_node("Identity", ["x"], [name], name=name))
    onnx.save(model, path)
    assert find_pack(tmp_path, "p").scales_itself == scales_itself


def test_a_summary_shows_what_onnx_shows(tmp_path: Path) -> None:
    write_pack(tmp_path)
    paths = [*tmp_path.glob("*.onnx"), *(SHARED / "models").rglob("*.onnx")]
    for path in paths:
        graph = onnx.load(path).graph
        summary = summarise(path)
        assert summary.first_nodes == tuple(node.name for node in graph.node[:8])
        for shapes, values in ((summary.inputs, graph.input), (summary.outputs, graph.output)):
            dimensions = [value.type.tensor_type.shape.dim for value in values]
            assert shapes == tuple(tuple(d.dim_value or None for d in dims) for dims in dimensions)


def test_weights_listed_among_the_inputs_are_not_inputs(tmp_path: Path) -> None:
    write_pack(tmp_path)
    path = tmp_path / "rec_synthetic.onnx"
    model = onnx.load(path)
    model.graph.input.insert(0, helper.make_tensor_value_info("matrix", TensorProto.FLOAT, [64, 512]))
    onnx.save(model, path)
    assert summarise(path).inputs == ((None, 3, 112, 112),)


@pytest.mark.parametrize("content", [b"", b"text", b"\x3a\xff\xff\xff\xff\x0f", b"\xff" * 20, b"\x3b"])
def test_other_files_are_no_networks(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(content)
    with pytest.raises(NotOnnx):
        summarise(path)


def test_a_file_that_cannot_be_loaded_is_named_without_its_path(tmp_path: Path) -> None:
    path = tmp_path / "damaged.onnx"
    path.write_bytes(b"no network")
    with pytest.raises(ModelNotLoaded) as caught:
        OnnxRuntimeSession(path, threads=1)
    assert "damaged.onnx" in caught.value.message
    assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize("name", ["", "..", ".", "../x", "a/b", "/etc", "a\\b", "x\n", "-x", "x" * 65, "a b"])
def test_a_name_that_is_no_plain_folder_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelNotLoaded, match="plain folder name"):
        models(tmp_path).engine(name)


def test_a_model_is_loaded_once_for_all_who_ask_at_once(tmp_path: Path) -> None:
    write_pack(tmp_path / "synthetic")
    cache = models(tmp_path)
    with ThreadPoolExecutor(8) as threads:
        engines = set(threads.map(cache.engine, ["synthetic"] * 16))
    assert len(engines) == 1


def test_a_failed_load_is_tried_again(tmp_path: Path) -> None:
    cache = models(tmp_path)
    with pytest.raises(ModelNotLoaded, match="no model pack"):
        cache.engine("late")
    assert cache.loaded("late") is None
    write_pack(tmp_path / "late")
    assert cache.load("late") is cache.loaded("late")


def test_an_unloaded_model_is_loaded_anew_when_it_is_asked_for(tmp_path: Path) -> None:
    write_pack(tmp_path / "synthetic")
    cache = models(tmp_path)
    before = cache.engine("synthetic")
    cache.unload("synthetic")
    cache.unload("synthetic")
    assert cache.loaded("synthetic") is None
    assert cache.engine("synthetic") is not before


@pytest.mark.parametrize("name", ["synthetic", FALLBACK_MODEL])
def test_each_load_of_a_model_can_be_told_from_the_others(tmp_path: Path, name: str) -> None:
    write_pack(tmp_path / "synthetic")
    cache = models(tmp_path)
    first = cache.load(name)
    assert cache.load(name).load_id == first.load_id
    cache.unload(name)
    assert cache.load(name).load_id not in (first.load_id, "")


def test_what_is_known_of_a_loaded_pack(synthetic_models: ModelCache) -> None:
    loaded = synthetic_models.load("synthetic")
    assert (loaded.name, loaded.dimension) == ("synthetic", DIMENSIONS)
    assert loaded.recogniser == "rec_synthetic.onnx"
    assert synthetic_models.load(FALLBACK_MODEL).dimension == 128


def test_a_recogniser_that_gives_no_embedding_is_refused(tmp_path: Path) -> None:
    write_pack(tmp_path / "odd", dimensions=3)
    with pytest.raises(ModelNotLoaded, match="wrong dimensions"):
        models(tmp_path).load("odd")


def test_a_network_that_cannot_run_is_not_loaded(tmp_path: Path) -> None:
    write_pack(tmp_path / "odd")
    save_graph(tmp_path / "odd/det_synthetic.onnx", input_shape=[1, 3, "h", "w"], outputs=9)
    [result] = models(tmp_path).read([ReadRequest(picture=picture(), model="odd")])
    assert isinstance(result, ModelNotLoaded)
    with pytest.raises(ModelNotLoaded):
        models(tmp_path).engine("odd")


def test_the_fallback_can_be_switched_off(tmp_path: Path) -> None:
    with pytest.raises(ModelNotLoaded, match="MODEL_FALLBACK"):
        models(tmp_path, fallback_allowed=False).engine(FALLBACK_MODEL)


def test_a_batch_of_several_models_keeps_its_order(synthetic_models: ModelCache) -> None:
    batch = [
        ReadRequest(picture=picture(1, 2), model="synthetic"),
        ReadRequest(picture=picture(1), model="absent"),
        ReadRequest(picture=picture(1), model=FALLBACK_MODEL),
        ReadRequest(picture=picture(1, 2, 3), model="synthetic"),
    ]
    two, absent, none, three = synthetic_models.read(batch)
    assert isinstance(absent, ModelNotLoaded)
    counts = [len(reading.faces) for reading in (two, none, three) if isinstance(reading, Reading)]
    assert counts == [2, 0, 3]


def test_the_local_reader_answers_and_raises(synthetic_models: ModelCache) -> None:
    reader = LocalFaceReader(synthetic_models)
    request = ReadRequest(picture=picture(1), model="synthetic", embed=Subjects.LARGEST)
    assert len(asyncio.run(reader.read(request)).faces) == 1
    assert asyncio.run(reader.load("synthetic")) == synthetic_models.loaded("synthetic")
    with pytest.raises(InvalidImage):
        asyncio.run(reader.read(ReadRequest(picture=b"junk", model="synthetic")))
    with pytest.raises(ModelNotLoaded):
        asyncio.run(reader.load("absent"))


@needs_shared
def test_a_detector_that_was_exported_for_one_size_is_run_at_both(tmp_path: Path) -> None:
    folder = tmp_path / "sc"
    folder.mkdir()
    shutil.copy(SHARED / "models/detectors/det_500m.onnx", folder)
    shutil.copy(SHARED / "models/scrfd_mbf/mobilefacenet.onnx", folder)
    request = ReadRequest(
        picture=(SHARED / "photos/group/010_2.jpg").read_bytes(), model="sc", embed=Subjects.ALL
    )
    [reading] = models(tmp_path).read([request])
    assert isinstance(reading, Reading)
    assert len(reading.faces) == 2
    [nobody] = models(tmp_path).read([ReadRequest(picture=picture(), model="sc")])
    assert isinstance(nobody, Reading)
    assert nobody.faces == ()
