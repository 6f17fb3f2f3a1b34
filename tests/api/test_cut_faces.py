"""A face whose landmarks lie beyond the border is found, but nobody can be told by it."""

import io

import httpx
import pytest
from PIL import Image

from tests.api.calls import base64_of, enroll, enrollment, error_of
from tests.api.conftest import StartApp
from tests.packs import picture


def cut(photo: bytes, left: int) -> bytes:
    """The picture without so many columns on the left."""
    image = Image.open(io.BytesIO(photo))
    out = io.BytesIO()
    image.crop((left, 0, image.width, image.height)).save(out, "PNG")
    return out.getvalue()


# The first card begins at column 8, its left eye lies 38 columns further on.
CUT = cut(picture(1), 50)
CUT_BESIDE_WHOLE = cut(picture(1, 2), 50)


def test_a_cut_face_is_detected_but_not_recognised(api: httpx.Client) -> None:
    enroll(api, "S001", 1)
    assert len(api.post("/api/face/detect", files={"image": CUT}).json()["faces"]) == 1
    [face] = api.post("/api/face/recognize-all", files={"image": CUT}).json()["faces"]
    assert face["match"] is None
    answer = api.post("/api/face/recognize", files={"image": CUT})
    assert error_of(answer, 422) == "NO_FACE_DETECTED"


@pytest.mark.parametrize("check_quality", [True, False])
def test_a_cut_face_cannot_be_enrolled(start_app: StartApp, check_quality: bool) -> None:
    api = start_app(enable_face_quality_check=check_quality)
    body = enrollment("S001", 1) | {"image_base64": base64_of(CUT)}
    answer = api.post("/api/face/enroll", json=body)
    assert error_of(answer, 422) == ("LOW_QUALITY_IMAGE" if check_quality else "NO_FACE_DETECTED")
    assert api.get("/api/face/list/all").json()["total_count"] == 0


def test_the_quality_check_says_that_a_face_is_cut_off(api: httpx.Client) -> None:
    quality = api.post("/api/face/quality-check", files={"image": CUT}).json()["quality"]
    assert quality["face_detected"] is True
    assert "cut off" in quality["recommendation"]


def test_no_other_face_answers_in_place_of_the_largest_when_that_is_cut(api: httpx.Client) -> None:
    enroll(api, "S002", 2)
    answer = api.post("/api/face/recognize-all", files={"image": CUT_BESIDE_WHOLE}).json()
    largest = max(answer["faces"], key=lambda face: face["box"]["width"] * face["box"]["height"])
    one = api.post("/api/face/recognize", files={"image": CUT_BESIDE_WHOLE})
    assert (one.status_code == 200) == (largest["match"] is not None)
    assert [face["match"] and face["match"]["person_code"] for face in answer["faces"]].count("S002") == 1
