"""The fallback engine against the face_recognition package."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rollcall.core.faces import FALLBACK_MODEL, Face, Metric, Reading, ReadRequest, Subjects
from rollcall.core.matching import similarities
from runners.models import ModelCache
from tests.packs import SHARED, empty_picture, needs_shared, picture

PEOPLE = SHARED / "photos" / "people"
SAME_PIXELS = [
    "people/S001/1.jpg", "people/S001/5.jpg", "people/S003/2.jpg", "people/S005/3.png", "people/S006/1.png",
    "people/T002/1.jpg", "people/T002/2.jpg", "group/013_4.jpg", "group/017_0.jpg",
    "hard/obama_partial_face.jpg",
]  # fmt: skip


@pytest.fixture(scope="module")
def reference() -> Any:
    import face_recognition

    return face_recognition


def read(models: ModelCache, path: Path) -> tuple[Face, ...]:
    request = ReadRequest(
        picture=path.read_bytes(), model=FALLBACK_MODEL, embed=Subjects.ALL, assess=Subjects.ALL
    )
    [reading] = models.read([request])
    assert isinstance(reading, Reading)
    return reading.faces


@needs_shared
# Its weights package finds its files by pkg_resources, which complains of its own age.
@pytest.mark.filterwarnings("ignore:pkg_resources is deprecated:UserWarning")
@pytest.mark.filterwarnings("ignore:Deprecated call to `pkg_resources:DeprecationWarning")
@pytest.mark.parametrize("name", SAME_PIXELS)
def test_boxes_and_embeddings_equal_the_package(name: str, real_models: ModelCache, reference: Any) -> None:
    path = SHARED / "photos" / name
    image = reference.load_image_file(str(path))
    locations = reference.face_locations(image)
    theirs = sorted(
        zip(locations, reference.face_encodings(image, locations), strict=True),
        key=lambda face: -(face[0][1] - face[0][3]) * (face[0][2] - face[0][0]),
    )
    ours = read(real_models, path)
    assert len(ours) == len(theirs)
    for our, ((top, right, bottom, left), encoding) in zip(ours, theirs, strict=True):
        box = our.box
        assert (box.x, box.y, box.width, box.height) == (left, top, right - left, bottom - top)
        assert our.embedding is not None
        assert our.embedding.dtype == np.float32
        np.testing.assert_allclose(our.embedding, encoding, atol=1e-6)


@needs_shared
@pytest.mark.parametrize("code", ["S001", "S002", "T001", "T002"])
def test_a_person_is_recognised_from_the_first_photo_even_in_reduced_ones(
    code: str, real_models: ModelCache
) -> None:
    embeddings = [read(real_models, path)[0].embedding for path in sorted((PEOPLE / code).glob("*.jpg"))]
    first, *others = [embedding for embedding in embeddings if embedding is not None]
    assert len(others) == len(embeddings) - 1
    assert similarities(np.stack(others), first, Metric.EUCLIDEAN).min() > 0.6


@needs_shared
def test_the_photos_of_single_people_are_good_enough_with_its_boxes_too(real_models: ModelCache) -> None:
    for path in sorted(PEOPLE.glob("S*/*.*")):
        [face] = read(real_models, path)
        assert face.quality is not None
        assert face.quality.reasons == (), path
        assert 0.7 <= face.score <= 1


@needs_shared
def test_coordinates_are_those_of_the_original_when_the_picture_was_reduced(real_models: ModelCache) -> None:
    path = PEOPLE / "T001/2.jpg"
    [ours] = read(real_models, path)
    [pack] = real_models.read(
        [ReadRequest(picture=path.read_bytes(), model="scrfd_mbf")],
    )
    assert isinstance(pack, Reading)
    their = pack.faces[0].box
    assert abs((ours.box.x + ours.box.width / 2) - (their.x + their.width / 2)) < 0.2 * their.width
    assert ours.landmarks.shape == (5, 2)
    assert np.all(ours.landmarks > (their.x, their.y))


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (7, 5)])
def test_pictures_of_odd_shapes_have_no_faces(size: tuple[int, int], synthetic_models: ModelCache) -> None:
    encoded = empty_picture(size=size, format="PNG")
    [reading] = synthetic_models.read([ReadRequest(picture=encoded, model=FALLBACK_MODEL)])
    assert isinstance(reading, Reading)
    assert reading.faces == ()


def test_a_picture_without_a_face_has_none_and_a_broken_one_is_an_error(synthetic_models: ModelCache) -> None:
    requests = [ReadRequest(picture=encoded, model=FALLBACK_MODEL) for encoded in (picture(), b"nothing")]
    empty, broken = synthetic_models.read(requests)
    assert isinstance(empty, Reading)
    assert empty.faces == ()
    assert not isinstance(broken, Reading)
    assert synthetic_models.engine(FALLBACK_MODEL).backend == "dlib"
