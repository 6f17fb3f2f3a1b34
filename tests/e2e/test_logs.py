"""Everything that a server says, in one shape, and nothing that it must keep to itself."""

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.api.calls import base64_of
from tests.keys import make_key
from tests.log_lines import lines_of
from tests.mariadb import MariaDBServer
from tests.packs import picture
from tests.servers import RollcallServer, free_port, wait_for

pytestmark = pytest.mark.slow

OFFICE: Final = make_key("office")
KEY: Final = OFFICE.key
PASSWORD: Final = "hush-word"
PEOPLE: Final = {"S1": "Zebulon Quux", "S2": "Quilliam Vexley"}
REQUEST: Final = "request-of-the-test"


def under_everything(server: RollcallServer) -> None:
    """Calls that work, calls that fail, and calls that break things."""
    with httpx.Client(base_url=server.url, headers={"X-API-Key": KEY}, timeout=120) as client:
        for number, (code, name) in enumerate(PEOPLE.items(), start=1):
            person = {"person_type": "student", "person_code": code, "person_name": name}
            body = {**person, "image_base64": base64_of(picture(number))}
            for _ in range(2):  # the second is a duplicate
                client.post("/api/face/enroll", json=body)
            client.post("/api/face/enroll", data=person, files={"image": (f"{name}.jpg", picture(number))})
        given = {"X-Request-ID": REQUEST}
        found = client.post("/api/face/recognize", files={"image": picture(1)}, headers=given)
        assert found.json()["match"]["person_name"] == PEOPLE["S1"]
        assert found.headers["X-Request-ID"] == REQUEST
        client.post("/api/face/recognize-all", json={"image_base64": base64_of(picture(1, 2))})
        client.post("/api/attendance/scan", data={"session_id": "1"}, files={"image": picture(1, 2)})
        broken = (picture(1)[:-3000], b"\xff\xd8\xff broken", picture(1, format="PNG")[:2000], b"nothing")
        for data in broken:
            client.post("/api/face/detect", files={"image": data})
        client.post(
            "/api/face/enroll", json={"image_base64": base64_of(picture(3)), "person_name": PEOPLE["S1"]}
        )
        client.get(f"/api/face/list/student?person_code={PEOPLE['S2']}")
        client.get(f"/{PEOPLE['S2']}")
        client.get("/api/face/list/student", headers={"X-API-Key": f"{KEY}-wrong"})
        client.get("/api/face/list/student", headers={"X-API-Key": "", "Authorization": f"Bearer {KEY}"})
        client.request("DELETE", "/api/face/delete", json={"person_type": "student", "person_code": "S2"})


@pytest.fixture(scope="module")
def told(
    tmp_path_factory: pytest.TempPathFactory, pack_settings: dict[str, str]
) -> tuple[RollcallServer, list[float]]:
    """A server that has been under everything and has ended, and an embedding that it made.

    Whatever can hold a password does, and leads nowhere.
    """
    nowhere = f"127.0.0.1:{free_port()}"
    with RollcallServer(
        tmp_path_factory.mktemp("told"),
        **pack_settings,
        LOG_LEVEL="DEBUG",
        API_KEYS=OFFICE.entry,
        ENABLE_FACE_QUALITY_CHECK="false",
        AUTO_DOWNLOAD_MODELS="true",
        SHADOW_MODEL="buffalo_sc",
        MODEL_MIRROR_URL=f"http://me:{PASSWORD}@{nowhere}/",
        RATE_LIMIT_PER_MINUTE="100000",
        RATE_LIMIT_STORAGE=f"redis://:{PASSWORD}@{nowhere}",
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://me:{PASSWORD}@{nowhere}",
        OTEL_EXPORTER_OTLP_HEADERS=f"authorization=Bearer%20{PASSWORD}",
        OTEL_BSP_SCHEDULE_DELAY="100",
    ) as server:
        under_everything(server)
        embedding = stored_embedding(server)
        wait_for(lambda: "export" in server.log(), "a failed sending of spans", limit=60)
    return server, embedding


def stored_embedding(server: RollcallServer) -> list[float]:
    with sqlite3.connect(server.folder / "rollcall.db") as database:
        [descriptor] = database.execute("SELECT FaceDescriptor FROM FaceData LIMIT 1").fetchone()
    numbers: list[float] = json.loads(descriptor)
    return numbers


def test_every_line_is_an_object_of_one_shape(told: tuple[RollcallServer, list[float]]) -> None:
    server, _ = told
    lines = lines_of(server)
    assert {line["process"] for line in lines} >= {"supervisor", "api", "runner"}
    # The last is libjpeg about a picture that is cut off.
    assert {line["logger"] for line in lines} >= {"bentoml.serve", "rollcall.access", "stderr"}


def test_a_request_is_known_by_its_id_in_both_processes(told: tuple[RollcallServer, list[float]]) -> None:
    server, _ = told
    mine = [line for line in lines_of(server) if line["request_id"] == REQUEST]
    assert {line["process"] for line in mine} == {"api", "runner"}
    [access] = [line for line in mine if line["logger"] == "rollcall.access"]
    assert (access["method"], access["route"], access["status"]) == ("POST", "/api/face/recognize", 200)


def test_the_last_lines_are_there(told: tuple[RollcallServer, list[float]]) -> None:
    server, _ = told
    ends = [line for line in lines_of(server) if line["message"] == "Service instance cleanup finalized"]
    assert {line["process"] for line in ends} == {"api", "runner"}


def test_no_secret_is_in_the_log(told: tuple[RollcallServer, list[float]]) -> None:
    log = told[0].log()
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    for secret in (KEY, PASSWORD, digest, digest[:16]):
        assert secret not in log


def test_no_name_is_in_the_log(told: tuple[RollcallServer, list[float]]) -> None:
    log = told[0].log()
    for name in PEOPLE.values():
        for part in name.split():
            assert part not in log


def test_no_picture_is_in_the_log(told: tuple[RollcallServer, list[float]]) -> None:
    log = told[0].log()
    for number in (1, 2, 3):
        text = base64_of(picture(number))
        for start in range(0, len(text) - 24, 240):
            assert text[start : start + 24] not in log
    for marker in ("\\xff\\xd8", "JFIF", "base64,"):
        assert marker not in log


def test_no_embedding_is_in_the_log(told: tuple[RollcallServer, list[float]]) -> None:
    server, embedding = told
    log = server.log()
    assert "FaceDescriptor" not in log
    for number in embedding[:50]:
        assert f"{abs(number):.6f}"[:8] not in log


def test_a_wrong_password_of_the_database_is_not_told(
    tmp_path: Path, pack_settings: dict[str, str], mariadb: MariaDBServer
) -> None:
    url = f"mysql+pymysql://rollcall:{PASSWORD}@127.0.0.1:{mariadb.port}/nothing"
    with RollcallServer(tmp_path, **pack_settings, LOG_LEVEL="DEBUG", DATABASE_URL=url) as server:
        assert server.health()["status"] == "unhealthy"
        answer = server.client.post("/api/face/recognize", files={"image": picture(1)})
        assert answer.status_code == 503
        wait_for(lambda: "The database is not ready" in server.log(), "a line about the database", limit=60)
    lines = lines_of(server)
    assert "rollcall.access" in {line["logger"] for line in lines}
    assert PASSWORD not in server.log()
    # Nobody asked for traces here: no library has begun one of its own.
    assert not [line for line in lines if "trace_id" in line]


def test_lines_for_people_are_text(tmp_path: Path, pack_settings: dict[str, str]) -> None:
    with RollcallServer(tmp_path, **pack_settings, LOG_FORMAT="text") as server:
        server.client.post("/api/face/detect", files={"image": picture(1)}, headers={"X-Request-ID": REQUEST})
        line = f"INFO rollcall.access [{REQUEST}] POST /api/face/detect 200 in "
        wait_for(lambda: line in server.log(), "the access line", limit=60)
    found: list[Any] = [text for text in server.log().splitlines() if text.startswith("{")]
    assert found == []
