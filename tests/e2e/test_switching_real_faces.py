"""Switches between real models: whoever was recognised before is recognised after."""

import shutil
from pathlib import Path

import pytest

from rollcall.core.faces import FALLBACK_MODEL
from tests.e2e.test_replicas import is_healthy
from tests.e2e.two_models import begin, ended
from tests.packs import SHARED, needs_shared
from tests.servers import RollcallServer, wait_for

pytestmark = [pytest.mark.slow, needs_shared]

PACK, OTHER = "scrfd_mbf", "scrfd_500m_mbf"
PUPILS = sorted((SHARED / "photos" / "people").glob("S*"))


def write_packs(folder: Path) -> None:
    """The pack, and one of another detector with the same recogniser."""
    shutil.copytree(SHARED / "models" / PACK, folder / PACK)
    (folder / OTHER).mkdir()
    shutil.copy(SHARED / "models" / "detectors" / "det_500m.onnx", folder / OTHER)
    shutil.copy(folder / PACK / "mobilefacenet.onnx", folder / OTHER)


def assert_all_are_known(server: RollcallServer, model: str) -> None:
    """By every photo but the one that they were enrolled with."""
    for pupil in PUPILS:
        for photo in sorted(pupil.iterdir())[1:]:
            answer = server.client.post("/api/face/recognize", files={"image": photo.read_bytes()}).json()
            found = (answer["model"], answer["match"]["model"], answer["match"]["person_code"])
            assert found == (model, model, pupil.name), photo.name


def test_pupils_are_recognised_by_whichever_model_answers(tmp_path: Path) -> None:
    write_packs(tmp_path / "models")
    settings = {"MODEL_DIR": str(tmp_path / "models"), "INSIGHTFACE_MODEL": PACK}
    with RollcallServer(tmp_path, **settings, SIMILARITY_THRESHOLD="auto") as server:
        wait_for(lambda: is_healthy(server), "good health")
        for pupil in PUPILS:
            fields = {"person_type": "student", "person_code": pupil.name, "person_name": "Name"}
            photo = min(pupil.iterdir()).read_bytes()
            answer = server.client.post("/api/face/enroll", data=fields, files={"image": photo})
            assert answer.status_code == 200, answer.text
        assert_all_are_known(server, PACK)
        for target in (OTHER, FALLBACK_MODEL):
            assert begin(server, target).status_code in (200, 202)
            done = ended(server)
            assert (done["state"], done["rehearsal"]["faces"]) == ("done", len(PUPILS)), done
            assert_all_are_known(server, target)
        assert server.client.post("/api/models/rollback").status_code == 200
        assert_all_are_known(server, OTHER)
