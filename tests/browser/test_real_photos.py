"""Enrolling and recognising real people through the browser's camera, with the photos of ../shared."""

import io
from typing import Any, Final

import pytest
from PIL import Image, ImageOps
from playwright.sync_api import expect

from tests.browser.conftest import OpenSchool, Visit
from tests.browser.school import School
from tests.packs import SHARED, needs_shared

pytestmark = needs_shared

PHOTOS: Final = SHARED / "photos"
MODEL: Final = "scrfd_mbf"
THRESHOLD: Final = 0.4  # which its makers' pairs suggest: ../shared/README.md
VIDEO: Final = (1280, 720)


def frame(path: str) -> bytes:
    """A photo as a camera would show it, with its whole height."""
    photo = ImageOps.exif_transpose(Image.open(PHOTOS / path)).convert("RGB")
    file = io.BytesIO()
    ImageOps.pad(photo, VIDEO, color=(90, 100, 105)).save(file, "JPEG", quality=92)
    return file.getvalue()


@pytest.fixture(scope="module")
def camera_pictures() -> list[bytes]:
    return [frame("people/S001/1.jpg")] if SHARED.is_dir() else []


@pytest.fixture(scope="module")
def school(open_school: OpenSchool) -> School:
    return open_school(
        model_dir=SHARED / "models",
        insightface_model=MODEL,
        similarity_threshold=THRESHOLD,
        enable_face_quality_check=True,
    )


def test_a_face_enrolled_by_the_camera_is_known_on_another_photo(school: School, visit: Visit) -> None:
    visitor = visit(school)
    visitor.open("enrol")
    visitor.page.get_by_label("Code").fill("S001")
    visitor.page.get_by_label("Name").fill("Pupil One")
    visitor.button("Start the camera").click()
    expect(visitor.page.locator(".hint-line")).to_contain_text("Good: take the picture.")
    visitor.button("Take the picture").click()
    expect(visitor.page.locator(".tray-item")).to_contain_text("Good picture")
    visitor.button("Enrol", exact=True).click()
    expect(visitor.page.locator(".tray-item")).to_contain_text("Enrolled")

    visitor.open("recognise")
    file: Any = PHOTOS / "group" / "S001_S002.jpg"
    visitor.page.get_by_label("Choose a picture").set_input_files(file)
    boxes = visitor.page.locator(".face-box")
    expect(boxes.filter(has_text="Pupil One")).to_have_count(1)
    expect(boxes.filter(has_text="Unknown").first).to_be_visible()
