"""Bad input gets a clear error in the contract's shape, and nothing is written."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rollcall.core.ports import FaceReader
from tests.api.calls import base64_of, enrollment, error_of
from tests.api.conftest import settings_for
from tests.live_app import LiveApp
from tests.packs import SHARED, needs_shared, picture

PICTURE_PATHS = ["enroll", "recognize", "recognize-all", "detect", "quality-check"]
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"


@pytest.fixture(scope="module")
def api(
    reader: FaceReader, model_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """One app for all of this file: nothing here may change anything."""
    with LiveApp(settings_for(model_dir, tmp_path_factory.mktemp("bad")), reader) as client:
        yield client


@pytest.mark.parametrize("path", PICTURE_PATHS)
@pytest.mark.parametrize(
    ("image", "status", "code"),
    [
        (base64_of(b"hello, this is no picture"), 400, "INVALID_IMAGE"),
        ("not base64 at all!", 400, "INVALID_IMAGE"),
        ("", 400, "INVALID_IMAGE"),
        ("data:image/jpeg;base64,", 400, "INVALID_IMAGE"),
        ("naïve", 400, "INVALID_IMAGE"),
        (base64_of(picture(1)[:80]), 400, "INVALID_IMAGE"),
        (base64_of(GIF), 415, "UNSUPPORTED_IMAGE_FORMAT"),
        (base64_of(b"\xff" * (10 * 1024 * 1024 + 1)), 413, "IMAGE_TOO_LARGE"),
        (base64_of(b"\xff" * (14 * 1024 * 1024)), 413, "IMAGE_TOO_LARGE"),
        (None, 422, "VALIDATION_ERROR"),
        (17, 422, "VALIDATION_ERROR"),
        ({"a": 1}, 422, "VALIDATION_ERROR"),
    ],
)
def test_a_bad_picture_is_named_as_such(
    api: httpx.Client, path: str, image: Any, status: int, code: str
) -> None:
    body = enrollment("S001") | {"image_base64": image}
    assert error_of(api.post(f"/api/face/{path}", json=body), status) == code
    assert api.get("/api/face/list/all").json()["total_count"] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"person_type": "pupil"},
        {"person_type": None},
        {"person_code": ""},
        {"person_code": "   "},
        {"person_code": "12345678901"},
        {"person_code": "S\x001"},
        {"person_name": ""},
        {"person_name": " "},
        {"person_name": "n" * 201},
        {"mode": "append"},
        {"original_name": "n" * 256},
    ],
)
def test_a_bad_field_is_named(api: httpx.Client, change: dict[str, Any]) -> None:
    answer = api.post("/api/face/enroll", json=enrollment("S001", 1) | change)
    assert error_of(answer, 422) == "VALIDATION_ERROR"
    assert next(iter(change)) in answer.text
    assert api.get("/api/face/list/all").json()["total_count"] == 0


@pytest.mark.parametrize(
    "change",
    [{"similarity_threshold": 1.1}, {"similarity_threshold": "x"}, {"top_k": 0}, {"person_type": "all"}],
)
def test_a_bad_option_is_named(api: httpx.Client, change: dict[str, Any]) -> None:
    body = {"image_base64": base64_of(picture(1))} | change
    answer = api.post("/api/face/recognize", json=body)
    assert error_of(answer, 422) == "VALIDATION_ERROR"
    assert next(iter(change)) in answer.text


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b'{"person_name": "\\ud800"}', "application/json"),
        (b"", "application/json"),
        (b"{}", "text/plain"),
        (b"a=1", "application/x-www-form-urlencoded"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"nothing", "multipart/form-data"),
        (
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n',
            "multipart/form-data; boundary=x; charset=undefined",
        ),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(api: httpx.Client, content: bytes, kind: str) -> None:
    answer = api.post("/api/face/enroll", content=content, headers={"Content-Type": kind})
    assert error_of(answer, 422) == "VALIDATION_ERROR"


def test_two_large_pictures_may_be_verified_at_once(api: httpx.Client) -> None:
    large = base64_of(b"\xff" * 8 * 1024 * 1024)
    answer = api.post("/api/face/verify", json={"image1_base64": large, "image2_base64": large})
    assert error_of(answer, 400) == "INVALID_IMAGE"


def test_an_unknown_path_has_the_contracts_shape(api: httpx.Client) -> None:
    assert error_of(api.get("/api/nothing"), 404) == "NOT_FOUND"
    assert error_of(api.post("/nothing"), 404) == "NOT_FOUND"


def test_a_wrong_method_names_the_right_ones(api: httpx.Client) -> None:
    answer = api.get("/api/face/enroll")
    assert error_of(answer, 405) == "METHOD_NOT_ALLOWED"
    assert answer.headers["Allow"] == "POST"
    unusual = api.request("PROPFIND", "/api/face/enroll")
    assert error_of(unusual, 405) == "METHOD_NOT_ALLOWED"
    assert unusual.headers["Allow"] == "POST"
    assert error_of(api.request("PROPFIND", "/api/nothing"), 404) == "NOT_FOUND"


def test_an_answer_never_repeats_what_was_sent(api: httpx.Client) -> None:
    answer = api.post("/api/face/enroll", json=enrollment("S001", 1) | {"person_type": "Zanzibar"})
    assert "Zanzibar" not in answer.text


@needs_shared
@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("corrupted.png", 400),
        ("empty.png", 400),
        ("einstein.gif", 415),
        ("einstein.bmp", 415),
        ("einstein.ico", 415),
        ("einstein.tiff", 415),
        ("einstein.jpeg", 200),
        ("einstein.png", 200),
        ("einstein.webp", 200),
        ("truncated.jpg", 200),
    ],
)
def test_real_files_of_many_formats_are_told_apart(api: httpx.Client, name: str, status: int) -> None:
    photo = (SHARED / "photos" / "formats" / name).read_bytes()
    assert api.post("/api/face/detect", files={"image": photo}).status_code == status
