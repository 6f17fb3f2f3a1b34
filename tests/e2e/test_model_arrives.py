"""The pack arrives after the start: the fallback answers until then, and what it enrolled is carried over."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.pack_server import Answer, PackServer
from tests.packs import SHARED, needs_shared, write_pack
from tests.servers import RollcallServer, wait_for

pytestmark = pytest.mark.slow

PHOTO = SHARED / "photos" / "people" / "S001"


def enroll_ada(server: RollcallServer) -> None:
    fields = {"person_type": "student", "person_code": "S001", "person_name": "Name"}
    answer = server.client.post(
        "/api/face/enroll", data=fields, files={"image": (PHOTO / "1.jpg").read_bytes()}
    )
    assert answer.status_code == 200, answer.text


def recognized(server: RollcallServer) -> Any:
    answer = server.client.post("/api/face/recognize", files={"image": (PHOTO / "2.jpg").read_bytes()})
    return answer.json()["match"]


@needs_shared
def test_faces_enrolled_by_the_fallback_are_recognised_by_the_pack(tmp_path: Path) -> None:
    with RollcallServer(tmp_path, MODEL_DIR=str(tmp_path / "none"), INSIGHTFACE_MODEL="scrfd_mbf") as server:
        assert server.health()["model"] == "face_recognition"
        enroll_ada(server)
        assert recognized(server)["person_code"] == "S001"
    with RollcallServer(
        tmp_path,
        MODEL_DIR=str(SHARED / "models"),
        INSIGHTFACE_MODEL="scrfd_mbf",
        SIMILARITY_THRESHOLD="0.4",
    ) as server:
        # Whether the new embedding is there yet or not, the face is matched by a model that it has.
        assert recognized(server)["person_code"] == "S001"
        wait_for(lambda: server.health().get("status") == "healthy", "every face having its embedding")
        assert server.health()["model"] == "scrfd_mbf"
        assert recognized(server)["person_code"] == "S001"


def test_a_pack_put_into_the_folder_by_hand_takes_over_from_the_fallback(tmp_path: Path) -> None:
    models = tmp_path / "models"
    with RollcallServer(tmp_path, MODEL_DIR=str(models), INSIGHTFACE_MODEL="by_hand") as server:
        health = server.health()
        assert (health["status"], health["model"]) == ("degraded", "face_recognition")
        assert "by_hand" in health["message"]
        write_pack(tmp_path / "made")
        models.mkdir()
        (tmp_path / "made").rename(models / "by_hand")
        wait_for(lambda: server.health().get("model") == "by_hand", "the pack answering")
        assert server.health()["status"] == "healthy"


def test_without_pack_and_fallback_the_service_starts_and_says_why_it_cannot_answer(tmp_path: Path) -> None:
    server = RollcallServer(tmp_path, MODEL_DIR=str(tmp_path / "none"), MODEL_FALLBACK="none")
    server.start()
    try:
        wait_for(lambda: "buffalo_l" in server.health().get("message", ""), "an answer about the model")
        answer = server.client.get("/api/health")
        assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")
        assert answer.json()["model_loaded"] is False
        detect = server.client.post("/api/face/detect", files={"image": b"picture"})
        assert (detect.status_code, detect.json()["error_code"]) == (503, "MODEL_NOT_LOADED")
    finally:
        server.client.close()
        server.stop()


def test_a_download_with_the_wrong_bytes_is_refused_and_the_fallback_answers(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("det_10g.onnx", b"not the detector")
    with (
        PackServer({"/buffalo_l.zip": Answer(body=archive.getvalue())}) as mirror,
        RollcallServer(
            tmp_path,
            MODEL_DIR=str(tmp_path / "models"),
            AUTO_DOWNLOAD_MODELS="true",
            MODEL_MIRROR_URL=mirror.url,
        ) as server,
    ):
        wait_for(lambda: "SHA-256" in server.health().get("message", ""), "the download being refused")
        assert server.health()["status"] == "degraded"
        assert list((tmp_path / "models").iterdir()) == []
