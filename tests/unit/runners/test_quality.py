"""What is good enough to be enrolled, and why something is not."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from rollcall.core.faces import (
    FALLBACK_MODEL,
    MIN_QUALITY,
    Box,
    Face,
    Landmarks,
    Quality,
    Reading,
    ReadRequest,
    Subjects,
)
from runners.aligner import ARCFACE_LANDMARKS, align
from runners.models import ModelCache
from runners.picture import Pixels, decode
from runners.quality import MIN_DETECTION_SCORE, assess
from tests.packs import SHARED, needs_shared, picture

CUT_OFF = "The face is cut off at the border; move it into the middle of the picture."
ASIDE = "The face is turned to the side; look straight into the camera."
ON_ITS_SIDE = "The face lies on its side; hold head and camera upright."
UP_OR_DOWN = "The face looks up or down; hold the camera at the height of the eyes."

PEOPLE = sorted((SHARED / "photos" / "people").rglob("*.*"))
SAMPLE = [path for path in PEOPLE if path.parent.name in ("S001", "S004", "S005", "T003")]


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def read(
    models: ModelCache, encoded: bytes, *, model: str = "scrfd_mbf", assess: Subjects
) -> tuple[Face, ...]:
    [reading] = models.read([ReadRequest(picture=encoded, model=model, assess=assess)])
    assert isinstance(reading, Reading)
    return reading.faces


def quality_of(models: ModelCache, encoded: bytes, *, model: str = "scrfd_mbf") -> Quality:
    quality = read(models, encoded, model=model, assess=Subjects.LARGEST)[0].quality
    assert quality is not None
    return quality


def quality_in(pixels: Pixels, face: Face) -> Quality:
    """Of any face that was found, wherever its landmarks lie."""
    height, width = pixels.shape[:2]
    return assess(
        box=face.box,
        crop=align(pixels, face.landmarks),
        width=width,
        height=height,
        landmarks=face.landmarks,
        score=face.score,
    )


def altered(path: Path, alter: Callable[[Pixels, float], cv2.typing.MatLike]) -> bytes:
    """The photo as a PNG after `alter(pixels, width of the face)`."""
    pixels = decode(path.read_bytes()).pixels
    return cv2.imencode(".png", alter(pixels, FACE_SHARES[name_of(path)] * pixels.shape[1]))[1].tobytes()


# Of the picture's width.
FACE_SHARES = {
    "S001/1.jpg": 0.25, "S001/2.jpg": 0.43, "S001/3.jpg": 0.24, "S001/4.jpg": 0.19, "S001/5.jpg": 0.12,
    "S004/1.jpg": 0.19, "S004/2.jpg": 0.42, "S005/1.jpg": 0.33, "S005/2.jpg": 0.19, "S005/3.png": 0.35,
    "T003/1.jpg": 0.40,
}  # fmt: skip


@needs_shared
@pytest.mark.parametrize("path", PEOPLE, ids=name_of)
def test_photos_of_single_people_are_good_enough(path: Path, real_models: ModelCache) -> None:
    quality = quality_of(real_models, path.read_bytes())
    assert quality.score >= MIN_QUALITY
    assert quality.reasons == ()
    assert (quality.face_size, quality.brightness) == ("adequate", "good")
    assert quality.blur_level != "high"


@needs_shared
@pytest.mark.parametrize("path", PEOPLE, ids=name_of)
def test_photos_of_single_people_are_good_enough_for_the_fallback_too(
    path: Path, real_models: ModelCache
) -> None:
    quality = quality_of(real_models, path.read_bytes(), model=FALLBACK_MODEL)
    assert quality.score >= MIN_QUALITY
    assert quality.reasons == ()


@needs_shared
@pytest.mark.parametrize("path", SAMPLE, ids=name_of)
def test_a_blurred_face_is_refused_for_its_blur(path: Path, real_models: ModelCache) -> None:
    blurred = altered(path, lambda pixels, width: cv2.GaussianBlur(pixels, (0, 0), 0.035 * width))
    quality = quality_of(real_models, blurred)
    assert quality.score < MIN_QUALITY
    assert quality.blur_level == "high"
    assert [reason for reason in quality.reasons if "blurred" in reason] == list(quality.reasons)


@needs_shared
@pytest.mark.parametrize("path", SAMPLE, ids=name_of)
def test_a_dark_face_is_refused_for_its_darkness(path: Path, real_models: ModelCache) -> None:
    dark = altered(path, lambda pixels, _: cv2.convertScaleAbs(pixels, alpha=0.25))
    quality = quality_of(real_models, dark)
    assert quality.score < MIN_QUALITY
    assert quality.brightness == "dark"
    assert quality.reasons == ("The face is too dark; add light from the front.",)


@needs_shared
@pytest.mark.parametrize("path", SAMPLE, ids=name_of)
def test_a_bright_face_is_refused_for_its_brightness(path: Path, real_models: ModelCache) -> None:
    bright = altered(path, lambda pixels, _: cv2.convertScaleAbs(pixels, alpha=0.25, beta=191))
    quality = quality_of(real_models, bright)
    assert quality.score < MIN_QUALITY
    assert quality.brightness == "bright"
    assert quality.reasons == ("The face is too bright; avoid direct light.",)


@needs_shared
@pytest.mark.parametrize("path", SAMPLE, ids=name_of)
def test_a_tiny_face_is_refused_for_its_size(path: Path, real_models: ModelCache) -> None:
    def shrink(pixels: Pixels, width: float) -> cv2.typing.MatLike:
        return cv2.resize(pixels, None, fx=30 / width, fy=30 / width, interpolation=cv2.INTER_AREA)

    quality = quality_of(real_models, altered(path, shrink))
    assert quality.score < MIN_QUALITY
    assert quality.face_size == "small"
    assert quality.reasons == ("The face is too small; take the picture from nearer by.",)


def cut(pixels: Pixels, box: Box, side: str) -> Pixels:
    """Without a third of the box, from one side."""
    third_x, third_y = box.width / 3, box.height / 3
    rows, columns = {
        "left": (slice(None), slice(round(box.x + third_x), None)),
        "right": (slice(None), slice(round(box.x + 2 * third_x))),
        "top": (slice(round(box.y + third_y), None), slice(None)),
        "bottom": (slice(round(box.y + 2 * third_y)), slice(None)),
    }[side]
    return np.ascontiguousarray(pixels[rows, columns])


@needs_shared
@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_a_face_that_is_cut_through_is_refused_for_the_border(side: str, real_models: ModelCache) -> None:
    found = 0
    for path in SAMPLE:
        pixels = decode(path.read_bytes()).pixels
        [face] = read(real_models, path.read_bytes(), assess=Subjects.NONE)
        rest = cut(pixels, face.box, side)
        encoded = cv2.imencode(".png", rest)[1].tobytes()
        # Some are not even found any more.
        for part in read(real_models, encoded, assess=Subjects.NONE):
            found += 1
            assert quality_in(rest, part).reasons == (CUT_OFF,), path
    assert found >= len(SAMPLE) / 2


@needs_shared
@pytest.mark.parametrize("name", ["obama_partial_face.jpg", "obama_partial_face2.jpg"])
@pytest.mark.parametrize("model", ["scrfd_mbf", FALLBACK_MODEL])
def test_photos_that_end_within_a_face_are_refused_for_that(
    name: str, model: str, real_models: ModelCache
) -> None:
    encoded = (SHARED / "photos" / "hard" / name).read_bytes()
    assert quality_of(real_models, encoded, model=model).reasons == (CUT_OFF,)


def turned(pixels: Pixels, degrees: float) -> cv2.typing.MatLike:
    """Clockwise about the middle, on a square that holds all of it."""
    height, width = pixels.shape[:2]
    side = int(np.hypot(width, height))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    matrix[:, 2] += (side - width) / 2, (side - height) / 2
    return cv2.warpAffine(pixels, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)


@needs_shared
@pytest.mark.parametrize("degrees", [-60, 60])
def test_a_face_that_lies_on_its_side_is_refused_for_that(degrees: float, real_models: ModelCache) -> None:
    found = 0
    for path in SAMPLE:
        lying = altered(path, lambda pixels, _: turned(pixels, degrees))
        # Some are not even found any more.
        for face in read(real_models, lying, assess=Subjects.LARGEST)[:1]:
            found += 1
            assert face.quality is not None
            assert face.quality.reasons == (ON_ITS_SIDE,), path
    assert found >= len(SAMPLE) / 2


@needs_shared
@pytest.mark.parametrize("degrees", [-25, 25])
def test_a_head_may_lean(degrees: float, real_models: ModelCache) -> None:
    for path in SAMPLE:
        leaning = altered(path, lambda pixels, _: turned(pixels, degrees))
        assert quality_of(real_models, leaning).reasons == (), path


@needs_shared
def test_faces_that_look_aside_are_refused_for_that(real_models: ModelCache) -> None:
    def reasons(name: str) -> list[tuple[str, ...] | None]:
        encoded = (SHARED / "photos" / "group" / name).read_bytes()
        faces = read(real_models, encoded, assess=Subjects.ALL)
        return [face.quality.reasons if face.quality else None for face in faces]

    assert reasons("012_4.jpg") == [(ASIDE,), (ASIDE,), (ASIDE,), ()]
    assert reasons("S001_S002.jpg") == [(), (), (ASIDE,)]
    assert reasons("000_5.jpg") == [()] * 5


def test_synthetic_people_are_good_enough(synthetic_models: ModelCache) -> None:
    for people, size in (((0,), (640, 480)), ((1, 2, 3), (640, 480)), (tuple(range(20)), (1280, 960))):
        faces = read(synthetic_models, picture(*people, size=size), model="synthetic", assess=Subjects.ALL)
        assert len(faces) == len(people)
        assert all(face.quality is not None and face.quality.reasons == () for face in faces)


CROP = np.tile(np.kron([[60, 190], [190, 60]], np.ones((14, 14))), (4, 4)).astype(np.uint8)
SHARP: Pixels = np.repeat(CROP[:, :, np.newaxis], 3, axis=2)


def assess_face(
    *,
    box: Box | None = None,
    crop: Pixels = SHARP,
    landmarks: Landmarks = ARCFACE_LANDMARKS,
    at: tuple[float, float] = (200, 200),
    score: float = 0.9,
) -> Quality:
    """A good face but for what is given, with its crop's upper left corner at a place in 640x480 pixels."""
    x, y = at
    return assess(
        box=box or Box(x=x + 16, y=y + 9, width=80, height=110),
        crop=crop,
        width=640,
        height=480,
        landmarks=landmarks + np.array(at, np.float32),
        score=score,
    )


def assess_size(width: float, height: float) -> Quality:
    return assess_face(box=Box(x=0, y=0, width=width, height=height))


def test_a_good_face_has_the_full_score() -> None:
    assert assess_face().score == 1


def test_a_face_that_fills_the_picture_is_too_large() -> None:
    quality = assess_size(380, 470)
    assert quality.face_size == "large"
    assert quality.reasons == ("The face fills the picture; step back a little.",)


def test_there_is_a_reason_exactly_when_the_score_is_below_the_border() -> None:
    qualities = [assess_size(side, side * 1.2) for side in range(5, 500, 5)]
    qualities += [assess_face(at=(-x, 200)) for x in range(0, 100, 5)]
    qualities += [assess_face(score=percent / 100) for percent in range(0, 101, 5)]
    assert all((quality.score < MIN_QUALITY) == bool(quality.reasons) for quality in qualities)
    assert all(0 <= quality.score <= 1 for quality in qualities)
    assert {quality.face_size for quality in qualities} == {"small", "adequate", "large"}


def test_an_even_surface_is_blurred_and_a_box_without_width_is_small() -> None:
    even = np.full((112, 112, 3), 128, np.uint8)
    quality = assess_face(box=Box(x=0, y=0, width=0, height=0), crop=even)
    assert quality.score == 0
    assert (quality.face_size, quality.blur_level) == ("small", "high")


def test_what_is_black_beyond_the_border_makes_a_face_neither_dark_nor_sharp() -> None:
    half = SHARP // 2 + 20
    half[:, :56] = 0
    soft = np.repeat(np.linspace(60, 190, 112).astype(np.uint8)[:, np.newaxis, np.newaxis], 112, axis=1)
    soft = np.repeat(soft, 3, axis=2)
    soft[:, :56] = 0
    assert assess_face(crop=half, at=(-56, 200)).reasons == (CUT_OFF,)
    assert assess_face(crop=half, at=(200, 200)).brightness == "dark"
    assert assess_face(crop=soft, at=(-56, 200)).blur_level == "high"
    assert assess_face(crop=soft, at=(200, 200)).blur_level != "high"


def test_a_nose_level_with_the_mouth_or_the_eyes_looks_down_or_up() -> None:
    eyes, mouth = ARCFACE_LANDMARKS[:2, 1].mean(), ARCFACE_LANDMARKS[3:, 1].mean()
    for level in (eyes, mouth):
        landmarks = ARCFACE_LANDMARKS.copy()
        landmarks[2, 1] = level
        assert assess_face(landmarks=landmarks).reasons == (UP_OR_DOWN,)


def test_the_landmarks_of_a_face_that_is_cut_off_tell_no_pose() -> None:
    aside = ARCFACE_LANDMARKS + np.array([[0, 0], [0, 0], [20, 0], [0, 0], [0, 0]], np.float32)
    assert assess_face(landmarks=aside).reasons == (ASIDE,)
    assert assess_face(landmarks=aside, at=(-50, 200)).reasons == (CUT_OFF,)


def test_a_doubtful_detection_lowers_the_score() -> None:
    # As detectors have it: in 32 bits that is a little less.
    at_the_border = assess_face(score=float(np.float32(MIN_DETECTION_SCORE)))
    assert at_the_border.score == pytest.approx(MIN_QUALITY)
    assert at_the_border.reasons == ()
    [reason] = assess_face(score=0.6).reasons
    assert "hard to make out" in reason
