"""Batches of pictures through a pack: the synthetic one, and parts of it that fail."""

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from rollcall.core.errors import InternalError, InvalidImage, UnsupportedImageFormat
from rollcall.core.faces import Embedding, Embeddings, Face, Reading, ReadRequest, Subjects
from runners.backends import Blob
from runners.detector import Detection, Detector
from runners.embedder import Embedder
from runners.engine import FaceEngine
from runners.graph import Shape
from runners.models import ModelCache
from runners.picture import Pixels
from tests.packs import DIMENSIONS, PEOPLE, empty_picture, picture

MODEL = "synthetic"


def request(
    encoded: bytes, *, embed: Subjects = Subjects.ALL, assess: Subjects = Subjects.ALL
) -> ReadRequest:
    return ReadRequest(picture=encoded, model=MODEL, embed=embed, assess=assess)


def faces_of(models: ModelCache, encoded: bytes) -> tuple[Face, ...]:
    [reading] = models.read([request(encoded)])
    assert isinstance(reading, Reading)
    return reading.faces


def embedding_of(face: Face) -> Embedding:
    assert face.embedding is not None
    return face.embedding


@pytest.mark.parametrize("count", range(5))
@pytest.mark.parametrize("size", [(640, 480), (480, 640), (320, 240), (1480, 832), (4032, 3024)])
def test_as_many_faces_are_found_as_people_were_drawn(
    count: int, size: tuple[int, int], synthetic_models: ModelCache
) -> None:
    faces = faces_of(synthetic_models, picture(*range(count), size=size))
    assert len(faces) == count
    for face in faces:
        assert face.score > 0.9
        # The box lies about the nose, which is the marker in the middle of the card.
        centre = (face.box.x + face.box.width / 2, face.box.y + face.box.height / 2)
        np.testing.assert_allclose(face.landmarks[2], centre, atol=0.2 * face.box.height)
        assert face.box.height == pytest.approx(112 * max(size) / 640, rel=0.02)


def test_people_are_told_apart(synthetic_models: ModelCache) -> None:
    people = [embedding_of(faces_of(synthetic_models, picture(n))[0]) for n in range(0, PEOPLE, 3)]
    likeness = np.stack(people) @ np.stack(people).T
    assert likeness.shape[0] == len(people)
    assert np.abs(likeness - np.diag(np.diag(likeness))).max() < 0.3
    assert people[0].shape == (DIMENSIONS,)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_person_is_known_again_in_another_picture(
    format: Literal["JPEG", "PNG", "WEBP"], synthetic_models: ModelCache
) -> None:
    [alone] = faces_of(synthetic_models, picture(5))
    others = faces_of(synthetic_models, picture(3, 4, 5, size=(1000, 700), format=format))
    likeness = sorted(float(embedding_of(alone) @ embedding_of(other)) for other in others)
    assert likeness[-1] > 0.8
    assert likeness[-2] < 0.3


def test_a_synthetic_face_is_good_enough_to_enrol(synthetic_models: ModelCache) -> None:
    for face in faces_of(synthetic_models, picture(0, 20, 62)):
        assert face.quality is not None
        assert face.quality.reasons == ()


def test_only_what_was_asked_for_is_done(synthetic_models: ModelCache) -> None:
    encoded = picture(1, 2, 3)
    wishes = [
        (embed, assess)
        for embed in (Subjects.NONE, Subjects.LARGEST, Subjects.ALL)
        for assess in (Subjects.NONE, Subjects.LARGEST, Subjects.ALL)
    ]
    readings = synthetic_models.read([request(encoded, embed=e, assess=a) for e, a in wishes])
    counts = {Subjects.NONE: 0, Subjects.LARGEST: 1, Subjects.ALL: 3}
    for (embed, assess), reading in zip(wishes, readings, strict=True):
        assert isinstance(reading, Reading)
        assert [face.embedding is not None for face in reading.faces] == [i < counts[embed] for i in range(3)]
        assert [face.quality is not None for face in reading.faces] == [i < counts[assess] for i in range(3)]


def test_a_batch_gives_what_its_pictures_give_alone(synthetic_models: ModelCache) -> None:
    pictures = [picture(1), picture(2, 3), empty_picture(), picture(4, 5, 6, size=(900, 700))]
    together = synthetic_models.read([request(encoded) for encoded in pictures])
    for encoded, reading in zip(pictures, together, strict=True):
        assert isinstance(reading, Reading)
        alone = faces_of(synthetic_models, encoded)
        assert [face.box for face in alone] == [face.box for face in reading.faces]
        assert [face.quality for face in alone] == [face.quality for face in reading.faces]
        for one, other in zip(alone, reading.faces, strict=True):
            np.testing.assert_allclose(embedding_of(one), embedding_of(other), atol=1e-5)


def test_a_bad_picture_does_not_fail_the_rest(synthetic_models: ModelCache) -> None:
    batch = [request(encoded) for encoded in (b"junk", picture(1), b"GIF89a", empty_picture())]
    junk, good, gif, empty = synthetic_models.read(batch)
    assert isinstance(junk, InvalidImage)
    assert isinstance(gif, UnsupportedImageFormat)
    assert isinstance(good, Reading)
    assert len(good.faces) == 1
    assert isinstance(empty, Reading)
    assert empty.faces == ()


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (7, 5)])
def test_pictures_of_odd_shapes_have_no_faces(size: tuple[int, int], synthetic_models: ModelCache) -> None:
    assert faces_of(synthetic_models, empty_picture(size=size, format="PNG")) == ()


class Detections(Detector):
    """Finds one face wherever it is asked, but chokes on bright pictures."""

    def __init__(self) -> None:
        pass

    def detect(self, pictures: Sequence[Pixels], *, alone: bool = False) -> list[list[Detection]]:  # noqa: ARG002
        if any(pixels.mean() > 250 for pixels in pictures):
            raise RuntimeError("the network failed")
        landmarks = np.array([[10, 10], [30, 10], [20, 20], [12, 30], [28, 30]], np.float32)
        face = Detection(left=5, top=5, right=35, bottom=35, score=0.9, landmarks=landmarks)
        return [[face]] * len(pictures)


class Recogniser:
    """Answers ones, but chokes on a batch with a black crop, and answers zeros to a bright one."""

    backend = "fake"
    input_shape: Shape = (None, 3, 112, 112)

    def prepare_lone_runs(self) -> None:
        """Nothing to prepare."""

    def run(self, blob: Blob, *, alone: bool = False) -> list[NDArray[np.float32]]:  # noqa: ARG002
        if (blob.max(axis=(1, 2, 3)) <= -0.99).any():
            raise RuntimeError("the network failed")
        bright = blob.max(axis=(1, 2, 3)) > 0.8
        answers: Embeddings = np.where(bright[:, np.newaxis], 0, np.ones((len(blob), 4))).astype(np.float32)
        return [answers]


def plain(level: int) -> bytes:
    return cv2.imencode(".png", np.full((40, 40, 3), level, np.uint8))[1].tobytes()


def test_a_network_that_fails_on_one_picture_fails_that_picture_only() -> None:
    engine = FaceEngine(
        detector=Detections(), embedder=Embedder(Recogniser(), scales_itself=False), backend="fake"
    )
    batch = [request(plain(level)) for level in (100, 0, 255, 240, 120)]
    good, unembeddable, undetectable, zeros, good_too = engine.read(batch)
    assert isinstance(unembeddable, InternalError)
    assert isinstance(undetectable, InternalError)
    assert isinstance(zeros, InternalError)
    for reading in (good, good_too):
        assert isinstance(reading, Reading)
        assert np.linalg.norm(embedding_of(reading.faces[0])) == pytest.approx(1)
