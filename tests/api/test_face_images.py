"""The pictures that faces were enrolled with."""

import io
from pathlib import Path

import httpx
import pytest
from PIL import Image

from db.engine import open_database
from rollcall.core.api_keys import Role
from tests.api.calls import base64_of, enroll, error_of
from tests.api.conftest import StartApp
from tests.db.rows import old_face
from tests.keys import make_key
from tests.packs import picture


def old_row(folder: Path, image: bytes | None, content_type: str | None = "image/jpeg") -> int:
    """A face of another program's in the app's database."""
    database = open_database(f"sqlite:///{folder}/rollcall.db", pool_size=1)
    face_id = old_face(database, ImageData=image, ContentType=content_type)
    database.close()
    return face_id


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_given_as_it_was_sent(api: httpx.Client, format: str) -> None:
    sent = picture(1, format=format)  # type: ignore[arg-type]
    face_id = enroll(api, "S001", 1, image_base64=base64_of(sent))["embedding_id"]
    answer = api.get(f"/api/face/{face_id}/image")
    assert answer.content == sent
    assert answer.headers["Content-Type"] == f"image/{format.lower()}"
    assert "Content-Disposition" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_picture_is_reduced(api: httpx.Client) -> None:
    face_id = enroll(api, "S001", 1)["embedding_id"]
    answer = api.get(f"/api/face/{face_id}/image?max_side=64")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == "no-store"
    assert Image.open(io.BytesIO(answer.content)).size == (64, 48)


@pytest.mark.parametrize("image", [None, b""])
@pytest.mark.parametrize("query", ["", "?max_side=160"])
def test_a_face_without_a_picture_has_none(
    api: httpx.Client, tmp_path: Path, image: bytes | None, query: str
) -> None:
    face_id = old_row(tmp_path, image)
    assert error_of(api.get(f"/api/face/{face_id}/image{query}"), 404) == "NOT_FOUND"
    assert error_of(api.get(f"/api/face/{face_id + 1}/image{query}"), 404) == "NOT_FOUND"


@pytest.mark.parametrize("image", [b"<script>alert(1)</script>", b"GIF89a...", b"\xff\xd8\xff broken"])
def test_what_is_no_picture_cannot_be_reduced(api: httpx.Client, tmp_path: Path, image: bytes) -> None:
    face_id = old_row(tmp_path, image)
    answer = api.get(f"/api/face/{face_id}/image?max_side=160")
    assert error_of(answer, 400) == "INVALID_IMAGE"
    assert "max_side" in answer.json()["details"]["suggestion"]
    assert api.get(f"/api/face/{face_id}/image").content == image


@pytest.mark.parametrize("kind", [None, "", "text/html", "image/svg+xml", "image/jpeg; x=y", "application/x"])
def test_what_browsers_might_run_is_a_file_to_save(
    api: httpx.Client, tmp_path: Path, kind: str | None
) -> None:
    face_id = old_row(tmp_path, b"<script>alert(1)</script>", kind)
    answer = api.get(f"/api/face/{face_id}/image")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="face-{face_id}"'
    assert answer.content == b"<script>alert(1)</script>"


@pytest.mark.parametrize("wrong", ["0/image", "x/image", "1/image?max_side=15", "1/image?max_side=1025"])
def test_a_picture_asked_for_wrongly_is_refused(api: httpx.Client, wrong: str) -> None:
    assert error_of(api.get(f"/api/face/{wrong}"), 422) == "VALIDATION_ERROR"


def test_a_kiosk_may_not_look_at_pictures(start_app: StartApp) -> None:
    kiosk = make_key("door", role=Role.KIOSK)
    api = start_app(api_keys=kiosk.entry)
    assert error_of(api.get("/api/face/1/image"), 401) == "UNAUTHORIZED"
    assert error_of(api.get("/api/face/1/image", headers=kiosk.headers), 403) == "FORBIDDEN"
