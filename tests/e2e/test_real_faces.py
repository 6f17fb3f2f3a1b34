"""Real photographs, a real pack, a real server."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.packs import SHARED, needs_shared
from tests.servers import RollcallServer

pytestmark = [pytest.mark.slow, needs_shared]

PHOTOS = SHARED / "photos"
REAL_PACK = {"MODEL_DIR": str(SHARED / "models"), "INSIGHTFACE_MODEL": "scrfd_mbf"}
NO_PACK = {"INSIGHTFACE_MODEL": "buffalo_l"}


def photos_of(code: str) -> list[Path]:
    return sorted((PHOTOS / "people" / code).iterdir())


def people() -> list[str]:
    return sorted(folder.name for folder in (PHOTOS / "people").iterdir())


def enroll(client: httpx.Client, code: str) -> None:
    """Enrol the first photo of a person."""
    fields = {
        "person_type": "student" if code.startswith("S") else "teacher",
        "person_code": code,
        "person_name": f"Name of {code}",
    }
    answer = client.post("/api/face/enroll", data=fields, files={"image": photos_of(code)[0].read_bytes()})
    assert answer.status_code == 200, (code, answer.text)


def recognized(client: httpx.Client, photo: Path) -> str | None:
    answer = client.post("/api/face/recognize", files={"image": photo.read_bytes()})
    assert answer.status_code == 200, (photo.name, answer.text)
    match = answer.json()["match"]
    return match and str(match["person_code"])


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """One photo of each person enrolled, threshold 0.4."""
    folder = tmp_path_factory.mktemp("school")
    with RollcallServer(folder, **REAL_PACK, SIMILARITY_THRESHOLD="0.4") as server:
        for code in people():
            enroll(server.client, code)
        yield server.client


def test_the_server_is_healthy_with_the_real_pack(school: httpx.Client) -> None:
    health = school.get("/api/health").json()
    assert (health["status"], health["model"], health["enrolled_faces"]) == (
        "healthy",
        "scrfd_mbf",
        len(people()),
    )


def test_every_other_photo_of_every_person_is_recognised(school: httpx.Client) -> None:
    others = [(code, photo) for code in people() for photo in photos_of(code)[1:]]
    assert len(others) >= 16
    wrong = [str(photo) for code, photo in others if recognized(school, photo) != code]
    assert wrong == []


def test_every_group_picture_yields_its_number_of_faces(school: httpx.Client) -> None:
    for photo in sorted((PHOTOS / "group").glob("[0-9]*_*.jpg")):
        match = re.fullmatch(r"\d+_(\d+)", photo.stem)
        assert match is not None
        faces = school.post("/api/face/detect", files={"image": photo.read_bytes()}).json()["faces"]
        assert len(faces) == int(match[1]), photo.name


@pytest.mark.parametrize(("name", "count"), [("S001_S002", 3), ("S003_S004", 2)])
def test_the_people_in_a_group_picture_are_named(school: httpx.Client, name: str, count: int) -> None:
    photo = (PHOTOS / "group" / f"{name}.jpg").read_bytes()
    faces = school.post("/api/face/recognize-all", files={"image": photo}).json()["faces"]
    assert len(faces) == count
    assert {face["match"]["person_code"] for face in faces if face["match"]} == set(name.split("_"))


def test_the_students_in_a_group_picture_are_marked(school: httpx.Client) -> None:
    photo = (PHOTOS / "group" / "S001_S002.jpg").read_bytes()
    answer = school.post("/api/attendance/scan", data={"session_id": "7"}, files={"image": photo}).json()
    assert {marked["student_code"] for marked in answer["marked"]} == {"S001", "S002"}
    assert answer["unknown_faces"] == 1


def test_without_any_pack_the_fallback_enrols_and_recognises(tmp_path: Path) -> None:
    with RollcallServer(tmp_path, **NO_PACK, MODEL_DIR=str(tmp_path / "models")) as server:
        health = server.health()
        assert (health["status"], health["model"]) == ("degraded", "face_recognition")
        assert "buffalo_l" in health["message"]
        for code in ("S001", "S002", "T002"):
            enroll(server.client, code)
        for code in ("S001", "S002", "T002"):
            for photo in photos_of(code)[1:]:
                assert recognized(server.client, photo) == code
