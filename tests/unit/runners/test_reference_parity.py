"""Our pipeline against InsightFace's own, on real photos and a real pack."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from rollcall.core.faces import Face, Reading, ReadRequest, Subjects
from runners.aligner import align
from runners.models import ModelCache
from runners.picture import decode
from tests.packs import SHARED, needs_shared

pytestmark = [
    needs_shared,
    # scikit-image renamed what insightface calls.
    pytest.mark.filterwarnings("ignore:`estimate` is deprecated:FutureWarning"),
]

PHOTOS = sorted(
    path
    for folder in ("people", "group", "hard")
    for path in (SHARED / "photos" / folder).rglob("*.*")
    if path.parent.name != "T001"  # 12 to 36 megapixels: we reduce those, the reference does not
)
PACK = "scrfd_mbf"
# A detector in bf16 moves landmarks by up to 0.002 of a face's width, which costs a small recogniser so much.
MIN_FAST_COSINE = 0.995


def name_of(path: Path) -> str:
    return path.relative_to(SHARED / "photos").as_posix()


@pytest.fixture(scope="module")
def reference() -> Any:
    from insightface.app import FaceAnalysis

    analysis = FaceAnalysis(
        name=str(SHARED / "models" / PACK),
        allowed_modules=["detection", "recognition"],
        providers=["CPUExecutionProvider"],
    )
    analysis.prepare(ctx_id=-1, det_thresh=0.7, det_size=(640, 640))
    return analysis


def read(models: ModelCache, encoded: bytes) -> Reading:
    request = ReadRequest(picture=encoded, model=PACK, embed=Subjects.ALL, assess=Subjects.ALL)
    [reading] = models.read([request])
    assert isinstance(reading, Reading)
    return reading


def edges(face: Face) -> list[float]:
    box = face.box
    return [box.x, box.y, box.x + box.width, box.y + box.height]


@pytest.mark.parametrize("path", PHOTOS, ids=name_of)
def test_boxes_landmarks_and_embeddings_equal_the_reference(
    path: Path, exact_models: ModelCache, reference: Any
) -> None:
    ours = read(exact_models, path.read_bytes()).faces
    # We order by area, the reference by score.
    theirs = sorted(
        reference.get(cv2.imread(str(path))), key=lambda face: -np.prod(face.bbox[2:] - face.bbox[:2])
    )
    assert len(ours) == len(theirs)
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(edges(our), their.bbox, atol=1)
        np.testing.assert_allclose(our.landmarks, their.kps, atol=1)
        assert our.score == pytest.approx(their.det_score, abs=1e-4)
        assert our.embedding is not None
        assert np.linalg.norm(our.embedding) == pytest.approx(1, abs=1e-5)
        assert our.embedding @ their.normed_embedding >= 0.9999


@pytest.mark.parametrize("path", PHOTOS, ids=name_of)
def test_the_fast_way_gives_the_same_faces(
    path: Path, real_models: ModelCache, exact_models: ModelCache
) -> None:
    fast, exact = (read(models, path.read_bytes()).faces for models in (real_models, exact_models))
    assert len(fast) == len(exact)
    # Two faces of nearly one size may change places.
    for face in fast:
        other = exact[int(np.argmin([np.abs(np.subtract(edges(face), edges(one))).sum() for one in exact]))]
        np.testing.assert_allclose(edges(face), edges(other), atol=0.05 * other.box.height)
        assert face.embedding is not None
        assert other.embedding is not None
        assert face.embedding @ other.embedding >= MIN_FAST_COSINE


def test_a_batch_of_many_sizes_and_counts_gives_what_each_picture_gives(real_models: ModelCache) -> None:
    paths = [PHOTOS[i] for i in (0, 5, 10, 15, 20, 25)]
    requests = [
        ReadRequest(picture=path.read_bytes(), model=PACK, embed=subjects)
        for path in paths
        for subjects in (Subjects.LARGEST, Subjects.ALL, Subjects.NONE)
    ]
    for request, together in zip(requests, real_models.read(requests), strict=True):
        [alone] = real_models.read([request])
        assert isinstance(together, Reading)
        assert isinstance(alone, Reading)
        assert len(together.faces) == len(alone.faces)
        for face, other in zip(together.faces, alone.faces, strict=True):
            assert (face.embedding is None) == (other.embedding is None)
            if face.embedding is not None and other.embedding is not None:
                assert face.embedding @ other.embedding >= 0.9999


def test_streams_side_by_side_give_what_a_lone_request_gives(real_models: ModelCache) -> None:
    paths = PHOTOS[::3]
    requests = [ReadRequest(picture=p.read_bytes(), model=PACK, embed=Subjects.ALL) for p in paths]
    alone = [real_models.read([request])[0] for request in requests]
    with ThreadPoolExecutor(4) as streams:
        together = list(streams.map(lambda request: real_models.read([request])[0], requests * 3))
    for one, other in zip(alone * 3, together, strict=True):
        assert isinstance(one, Reading)
        assert isinstance(other, Reading)
        assert len(one.faces) == len(other.faces)
        for face, again in zip(one.faces, other.faces, strict=True):
            assert face.embedding is not None
            assert again.embedding is not None
            assert face.embedding @ again.embedding >= 0.9999


def test_a_small_face_in_a_big_picture_is_read_from_all_its_pixels(real_models: ModelCache) -> None:
    small = np.asarray(cv2.imread(str(SHARED / "photos/people/S002/2.jpg")), np.uint8)
    height, width = small.shape[:2]
    canvas = np.full((4200, 5600, 3), 120, np.uint8)
    canvas[1500 : 1500 + height, 2500 : 2500 + width] = small
    big = cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, 97])[1].tobytes()
    [face] = read(real_models, big).faces
    [plain] = read(real_models, cv2.imencode(".png", small)[1].tobytes()).faces
    assert decode(big).scale > 1
    assert face.embedding is not None
    assert plain.embedding is not None
    assert face.embedding @ plain.embedding > 0.9
    assert face.box.x == pytest.approx(plain.box.x + 2500, abs=0.1 * plain.box.width)


@pytest.mark.parametrize("path", PHOTOS[:6], ids=name_of)
def test_crops_equal_the_reference(path: Path, real_models: ModelCache) -> None:
    from insightface.utils.face_align import norm_crop

    pixels = decode(path.read_bytes()).pixels
    for face in read(real_models, path.read_bytes()).faces:
        theirs = norm_crop(pixels, face.landmarks)
        # The two ways to the same matrix differ in the last bits, so a pixel here and there rounds otherwise.
        assert np.abs(align(pixels, face.landmarks).astype(int) - theirs).mean() < 0.05


@pytest.mark.parametrize("path", sorted((SHARED / "photos/group").glob("0*.jpg")), ids=name_of)
def test_every_face_of_a_group_is_found_and_none_beside(path: Path, real_models: ModelCache) -> None:
    assert len(read(real_models, path.read_bytes()).faces) == int(path.stem.partition("_")[2])


@pytest.mark.parametrize("path", sorted((SHARED / "photos/people/T001").glob("*.jpg")), ids=name_of)
def test_a_reduced_picture_gives_nearly_the_same_embedding(
    path: Path, real_models: ModelCache, reference: Any
) -> None:
    [ours] = read(real_models, path.read_bytes()).faces
    [theirs] = reference.get(cv2.imread(str(path)))
    assert np.abs(np.subtract(edges(ours), theirs.bbox)).max() < 0.03 * ours.box.height
    assert ours.embedding is not None
    # Full-size faces are aliased when warped to 112 pixels, ours less so: different, but not for the worse.
    assert ours.embedding @ theirs.normed_embedding > 0.97


def test_the_same_person_is_nearer_than_any_other(real_models: ModelCache) -> None:
    people = {
        path: read(real_models, path.read_bytes()).faces[0].embedding
        for path in sorted((SHARED / "photos/people").rglob("*.*"))
    }
    same: list[float] = []
    different: list[float] = []
    for path, embedding in people.items():
        for other, other_embedding in people.items():
            if path < other and embedding is not None and other_embedding is not None:
                pairs = same if path.parent == other.parent else different
                pairs.append(float(embedding @ other_embedding))
    assert min(same) > 0.5
    assert max(different) < 0.26


def test_a_face_that_fills_the_picture_is_found_at_the_second_look(real_models: ModelCache) -> None:
    path = SHARED / "photos/people/S001/1.jpg"
    [face] = read(real_models, path.read_bytes()).faces
    left, top, right, bottom = (int(edge) for edge in edges(face))
    tight = decode(path.read_bytes()).pixels[top:bottom, left:right]
    [again] = read(real_models, cv2.imencode(".png", tight)[1].tobytes()).faces
    assert face.embedding is not None
    assert again.embedding is not None
    assert face.embedding @ again.embedding > 0.8
