"""The detector and the embedder with graphs of every permitted shape, faked."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rollcall.core.errors import ModelNotLoaded
from runners.backends import Blob
from runners.detector import Detector
from runners.embedder import MAX_CROPS_PER_RUN, Embedder
from runners.graph import Shape

PIXELS = np.zeros((480, 640, 3), np.uint8)


class Scrfd:
    """Answers one face of 64 pixels at cell (row, 5) of the first stride; remembers the inputs it saw."""

    backend = "fake"

    def __init__(
        self, *, strides: tuple[int, ...], anchors: int, side: int | None = None, batched: bool = False,
        finds_at: int = 640, landmark: float = 2.0, row: int = 4, batch: int | None = 1,
    ) -> None:  # fmt: skip
        self.input_shape: Shape = (batch, 3, side, side)
        self.seen: list[tuple[int, ...]] = []
        self._strides, self._anchors, self._batched = strides, anchors, batched
        self._finds_at, self._landmark, self._cell_row = finds_at, landmark, row

    def prepare_lone_runs(self) -> None:
        """Nothing to prepare."""

    def run(self, blob: Blob, *, alone: bool = False) -> list[NDArray[np.float32]]:  # noqa: ARG002
        self.seen.append(blob.shape)
        height, width = blob.shape[2:]
        outputs = []
        for columns in (1, 4, 10):
            for stride in self._strides:
                rows = (height // stride) * (width // stride) * self._anchors
                output = np.zeros((rows, columns), np.float32)
                if stride == self._strides[0] and width == self._finds_at:
                    output[(self._cell_row * (width // stride) + 5) * self._anchors] = self._row(columns)
                outputs.append(np.stack([output] * len(blob)) if self._batched else output)
        return outputs

    def _row(self, columns: int) -> list[float]:
        if columns == 10:
            return [-self._landmark, -2, 2, -2, 0, 0, -2, 2, 2, 2]
        return [0.9] if columns == 1 else [4.0] * 4


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize(
    ("strides", "anchors"), [((8, 16, 32), 2), ((8, 16, 32), 1), ((8, 16, 32, 64, 128), 1)]
)
def test_strides_and_anchors_are_deduced_from_the_outputs(
    strides: tuple[int, ...], anchors: int, batched: bool
) -> None:
    [[found]] = Detector(Scrfd(strides=strides, anchors=anchors, batched=batched)).detect([PIXELS])
    assert (found.left, found.top, found.right, found.bottom) == (8, 0, 72, 64)
    np.testing.assert_allclose(found.landmarks[0], (24, 16))


@pytest.mark.parametrize("outputs", [((8, 16), 2), ((8,), 2)])
def test_a_graph_of_another_kind_is_refused(outputs: tuple[tuple[int, ...], int]) -> None:
    with pytest.raises(ModelNotLoaded):
        Detector(Scrfd(strides=outputs[0], anchors=outputs[1])).detect([PIXELS])


def test_outputs_that_do_not_fit_the_input_are_refused() -> None:
    with pytest.raises(ModelNotLoaded):
        Detector(Scrfd(strides=(8, 16, 48), anchors=2)).detect([PIXELS])


def test_a_second_look_is_only_taken_when_the_first_finds_nothing() -> None:
    first = Scrfd(strides=(8, 16, 32), anchors=2)
    second = Scrfd(strides=(8, 16, 32), anchors=2, finds_at=256)
    assert len(Detector(first).detect([PIXELS])[0]) == 1
    assert len(Detector(second).detect([PIXELS])[0]) == 1
    assert [shape[3] for shape in first.seen] == [640]
    assert [shape[3] for shape in second.seen] == [640, 256]


def test_a_graph_with_a_fixed_size_is_only_run_at_that_size() -> None:
    fixed = Scrfd(strides=(8, 16, 32), anchors=2, side=320, finds_at=0)
    assert Detector(fixed).detect([PIXELS]) == [[]]
    assert fixed.seen == [(1, 3, 320, 320)]


def test_the_canvas_is_trimmed_to_the_picture_in_steps_of_32() -> None:
    network = Scrfd(strides=(8, 16, 32), anchors=2)
    for width, height in ((1480, 832), (640, 480), (640, 640), (480, 640)):
        Detector(network).detect([np.zeros((height, width, 3), np.uint8)])
    assert [shape[2:] for shape in network.seen if shape[3] > 256] == [
        (384, 640),
        (512, 640),
        (640, 640),
        (640, 512),
    ]


def test_a_face_at_the_trimmed_side_is_looked_at_again_on_the_full_canvas() -> None:
    network = Scrfd(strides=(8, 16, 32), anchors=2, row=57)
    [[found]] = Detector(network).detect([PIXELS])
    assert found.bottom > 480 - 24
    assert [shape[2] for shape in network.seen] == [512, 640]


def test_pictures_of_one_shape_go_through_together_where_the_graph_allows_it() -> None:
    network = Scrfd(strides=(8, 16, 32), anchors=2, batched=True, batch=None)
    wide = np.zeros((360, 640, 3), np.uint8)
    found = Detector(network).detect([PIXELS, wide, PIXELS])
    assert [len(faces) for faces in found] == [1, 1, 1]
    assert sorted(shape[0] for shape in network.seen) == [1, 2]


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_face_with_landmarks_that_are_no_numbers_is_left_out(number: float) -> None:
    assert Detector(Scrfd(strides=(8, 16, 32), anchors=2, landmark=number)).detect([PIXELS]) == [[]]


class ArcFace:
    """Answers the mean of each channel; remembers the sizes of its batches."""

    backend = "fake"

    def __init__(self, batch: int | None) -> None:
        self.input_shape: Shape = (batch, 3, 112, 112)
        self.batches: list[int] = []

    def prepare_lone_runs(self) -> None:
        """Nothing to prepare."""

    def run(self, blob: Blob, *, alone: bool = False) -> list[NDArray[np.float32]]:  # noqa: ARG002
        self.batches.append(len(blob))
        assert blob.dtype == np.float32
        return [blob.mean(axis=(2, 3))]


CROPS = [np.full((112, 112, 3), (0, 51, 255), np.uint8)] * 20


def test_crops_go_through_together_where_the_graph_allows_it() -> None:
    network = ArcFace(None)
    assert Embedder(network, scales_itself=False).embed(CROPS).shape == (20, 3)
    assert network.batches == [MAX_CROPS_PER_RUN, 20 - MAX_CROPS_PER_RUN]


def test_crops_go_through_one_by_one_where_the_batch_is_fixed() -> None:
    network = ArcFace(1)
    assert Embedder(network, scales_itself=False).embed(CROPS[:3]).shape == (3, 3)
    assert network.batches == [1, 1, 1]


@pytest.mark.parametrize(("scales_itself", "rgb"), [(False, (1, -0.6, -1)), (True, (255, 51, 0))])
def test_pixels_are_scaled_as_the_graph_needs_it_and_come_as_rgb(
    scales_itself: bool, rgb: tuple[float, ...]
) -> None:
    [vector] = Embedder(ArcFace(None), scales_itself=scales_itself).embed(CROPS[:1])
    np.testing.assert_allclose(vector, np.array(rgb) / np.linalg.norm(rgb), atol=1e-5)


def test_no_crops_give_no_embeddings() -> None:
    network = ArcFace(None)
    assert len(Embedder(network, scales_itself=False).embed([])) == 0
    assert network.batches == []
