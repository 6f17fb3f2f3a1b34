"""What is good enough to be enrolled, and why something is not."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from rollcall.core.faces import MIN_QUALITY, Box, Quality, Reading, ReadRequest, Subjects
from runners.models import ModelCache
from runners.picture import Pixels, decode
from runners.quality import assess
from tests.packs import SHARED, needs_shared

PEOPLE = sorted((SHARED / "photos" / "people").rglob("*.*"))
SAMPLE = [path for path in PEOPLE if path.parent.name in ("S001", "S004", "S005", "T003")]


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def quality_of(models: ModelCache, encoded: bytes) -> Quality:
    [reading] = models.read([ReadRequest(picture=encoded, model="scrfd_mbf", assess=Subjects.LARGEST)])
    assert isinstance(reading, Reading)
    quality = reading.faces[0].quality
    assert quality is not None
    return quality


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


CROP = np.tile(np.kron([[60, 190], [190, 60]], np.ones((14, 14))), (4, 4)).astype(np.uint8)
SHARP: Pixels = np.repeat(CROP[:, :, np.newaxis], 3, axis=2)


def assess_size(width: float, height: float) -> Quality:
    return assess(box=Box(x=0, y=0, width=width, height=height), crop=SHARP, width=640, height=480)


def test_a_face_that_fills_the_picture_is_too_large() -> None:
    quality = assess_size(380, 470)
    assert quality.face_size == "large"
    assert quality.reasons == ("The face fills the picture; step back a little.",)


def test_there_is_a_reason_exactly_when_the_score_is_below_the_border() -> None:
    qualities = [assess_size(side, side * 1.2) for side in range(5, 500, 5)]
    assert all((quality.score < MIN_QUALITY) == bool(quality.reasons) for quality in qualities)
    assert all(0 <= quality.score <= 1 for quality in qualities)
    assert {quality.face_size for quality in qualities} == {"small", "adequate", "large"}


def test_an_even_surface_is_blurred_and_a_box_without_width_is_small() -> None:
    even = np.full((112, 112, 3), 128, np.uint8)
    quality = assess(box=Box(x=0, y=0, width=0, height=0), crop=even, width=640, height=480)
    assert quality.score == 0
    assert (quality.face_size, quality.blur_level) == ("small", "high")
