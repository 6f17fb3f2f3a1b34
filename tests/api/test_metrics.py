"""What /metrics says of requests, recognitions and how the server stands."""

import asyncio
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import which

import httpx
import pytest

from rollcall import __version__, compose
from rollcall.core.faces import Reading, ReadRequest
from rollcall.core.models import LoadedModel
from rollcall.core.ports import FaceReader
from rollcall.core.settings import Settings
from rollcall.telemetry.metrics import error_codes
from rollcall.telemetry.observer import OBSERVER
from tests.api.calls import base64_of, enroll, enrollment, error_of, recognize
from tests.api.conftest import PACK_NAME, StartApp, settings_for
from tests.api.test_slow_database import holding
from tests.live_app import LiveApp
from tests.mariadb import MariaDBServer
from tests.packs import empty_picture, picture
from tests.scrape import Difference, scrape
from tests.servers import wait_for
from tests.unit.deploy.metric_names import SERIES

STEPS = ("decode", "detect", "align", "embed", "search", "database")
# Would show in a label if anything did that a caller sent.
ODD = "zQ7odd"


class HeldReader:
    """A reader that answers nobody while it is held."""

    def __init__(self, reader: FaceReader) -> None:
        self._reader = reader
        self.held = False

    async def read(self, request: ReadRequest) -> Reading:
        await self._wait()
        return await self._reader.read(request)

    async def load(self, model: str) -> LoadedModel:
        await self._wait()
        return await self._reader.load(model)

    async def unload(self, model: str) -> None:
        await self._reader.unload(model)

    async def _wait(self) -> None:
        while self.held:
            await asyncio.sleep(0.01)


class CrashingReader(HeldReader):
    """A reader with a fault that nobody expects."""

    async def read(self, request: ReadRequest) -> Reading:
        raise LookupError(request.model)


@pytest.fixture(scope="module")
def watched_reader(model_dir: Path) -> FaceReader:
    """One whose steps are timed, as the runner's are."""
    return compose.local_reader(Settings(_env_file=None, model_dir=model_dir), OBSERVER)


@pytest.fixture
def held_reader(reader: FaceReader) -> Iterator[HeldReader]:
    """Let go at the end, whatever the test does."""
    held = HeldReader(reader)
    yield held
    held.held = False


def test_requests_are_counted_by_the_template_of_their_path(api: httpx.Client) -> None:
    grew = Difference(api)
    api.get("/api/face/list/student")
    api.get("/api/face/list/teacher")
    api.get("/docs")
    listing = {"route": "/api/face/list/{person_type}", "method": "GET", "status": "200"}
    assert grew.value("rollcall_requests_total", **listing) == 2
    assert grew.value("rollcall_requests_total", route="/docs") == 1
    assert grew.value("rollcall_request_duration_seconds_count", route=listing["route"]) == 2
    assert grew.value("rollcall_request_duration_seconds_sum", route=listing["route"]) > 0


def test_the_health_and_the_metrics_are_counted_too(api: httpx.Client) -> None:
    grew = Difference(api)
    api.get("/api/health")
    assert grew.value("rollcall_requests_total", route="/api/health") == 1
    # The scrape before this one; the one under way is not over yet.
    assert grew.value("rollcall_requests_total", route="/metrics", status="200") == 2


def test_unknown_paths_are_one_route_and_odd_methods_one_method(api: httpx.Client) -> None:
    grew = Difference(api)
    for path in (f"/{ODD}/1", f"/{ODD}/2", "/api/face/nothing"):
        assert api.get(path).status_code == 404
    assert api.request("BREW", f"/{ODD}").status_code == 404
    assert api.get("/api/face/enroll").status_code == 405
    assert grew.value("rollcall_requests_total", route="unmatched", method="GET", status="404") == 3
    assert grew.value("rollcall_requests_total", route="unmatched", method="other", status="404") == 1
    assert grew.value("rollcall_requests_total", route="unmatched", method="GET", status="405") == 1


def test_nothing_that_a_caller_sends_becomes_a_label(api: httpx.Client) -> None:
    headers = {"X-Request-ID": ODD, "X-API-Key": ODD, "User-Agent": ODD, "Origin": f"http://{ODD}"}
    fields = {"person_name": ODD, "original_name": ODD}
    api.post("/api/face/enroll", json=enrollment(ODD, 1, **fields), headers=headers)
    api.post("/api/face/enroll", json=enrollment(ODD, 1, kind=ODD), headers=headers)
    recognize(api, 1, source_image_name=ODD)
    recognize(api, 2, source_image_name=ODD)
    api.post("/api/models/switch", json={"model": ODD}, headers=headers)
    api.get(f"/api/face/list/{ODD}?person_code={ODD}", headers=headers)
    api.get(f'/{ODD}%0A{ODD}\\{ODD}"', headers=headers)
    api.request(ODD.upper(), f"/api/{ODD}", headers=headers)
    api.options("/api/health", headers={**headers, "Access-Control-Request-Method": ODD})
    api.request("DELETE", "/api/face/delete", json={"person_type": "student", "person_code": ODD})
    assert ODD.lower() not in scrape(api).text.lower()


def test_errors_are_counted_by_their_code(api: httpx.Client) -> None:
    grew = Difference(api)
    assert error_of(api.post("/api/face/recognize", files={"image": empty_picture()}), 422)
    assert error_of(api.post("/api/face/recognize", files={"image": b"no picture"}), 400)
    assert error_of(api.get("/nowhere"), 404)
    assert grew.value("rollcall_errors_total", code="NO_FACE_DETECTED") == 1
    assert grew.value("rollcall_errors_total", code="INVALID_IMAGE") == 1
    assert grew.value("rollcall_errors_total", code="NOT_FOUND") == 1
    assert grew.value("rollcall_errors_total") == 3


def test_every_error_code_is_there_before_its_first_error(api: httpx.Client) -> None:
    codes = {labels["code"] for labels in scrape(api).labels("rollcall_errors_total")}
    assert codes == error_codes()
    assert {"OVERLOADED", "INTERNAL_ERROR", "DATABASE_ERROR"} < codes


def test_a_crash_is_counted_as_what_it_was_answered_with(
    model_dir: Path, reader: FaceReader, tmp_path: Path
) -> None:
    with LiveApp(settings_for(model_dir, tmp_path), CrashingReader(reader)) as api:
        grew = Difference(api)
        assert error_of(api.post("/api/face/detect", files={"image": picture(1)}), 500) == "INTERNAL_ERROR"
        assert grew.value("rollcall_requests_total", route="/api/face/detect", status="500") == 1
        assert grew.value("rollcall_errors_total", code="INTERNAL_ERROR") == 1


def test_faces_are_counted_by_how_looking_for_them_ended(api: httpx.Client) -> None:
    enroll(api, "S1", 1)
    grew = Difference(api)
    recognize(api, 1)
    recognize(api, 2)
    api.post("/api/face/recognize", files={"image": empty_picture()})
    api.post("/api/face/recognize-all", files={"image": picture(1, 2, 3)})
    api.post("/api/attendance/scan", data={"session_id": "1"}, files={"image": picture(1, 4)})
    api.post("/api/attendance/scan", data={"session_id": "1"}, files={"image": empty_picture()})

    def count(kind: str, outcome: str) -> float:
        return grew.value("rollcall_recognition_outcomes_total", kind=kind, outcome=outcome)

    outcomes = ("match", "no_match", "no_face")
    assert [count("recognize", outcome) for outcome in outcomes] == [1, 1, 1]
    assert [count("recognize_all", outcome) for outcome in outcomes] == [1, 2, 0]
    assert [count("scan", outcome) for outcome in outcomes] == [1, 1, 1]


def test_the_similarity_of_the_likest_person_is_seen_for_each_face(api: httpx.Client) -> None:
    enroll(api, "S1", 1)
    grew = Difference(api)
    similarity = recognize(api, 1)["match"]["similarity_score"]
    recognize(api, 2)
    name, known = "rollcall_similarity", {"model": PACK_NAME, "outcome": "match"}
    assert grew.value(f"{name}_count", **known) == 1
    assert grew.value(f"{name}_sum", **known) == pytest.approx(similarity, abs=1e-3)
    assert grew.value(f"{name}_count", model=PACK_NAME, outcome="no_match") == 1
    assert grew.value(f"{name}_bucket", **known, le="0.5") == 0
    assert grew.value(f"{name}_bucket", **known, le="+Inf") == 1


def test_a_threshold_of_the_callers_own_leaves_the_similarities_alone(api: httpx.Client) -> None:
    enroll(api, "S1", 1)
    grew = Difference(api)
    recognize(api, 1, similarity_threshold=0.9)
    fields = {"similarity_threshold": 0.1, "image_base64": base64_of(picture(2))}
    assert api.post("/api/face/recognize-all", json=fields).status_code == 200
    assert grew.value("rollcall_recognition_outcomes_total") == 2
    assert grew.value("rollcall_similarity_count") == 0


def test_faces_models_and_similarities_are_counted_of_the_same_answers(api: httpx.Client) -> None:
    enroll(api, "S1", 1)
    grew = Difference(api)
    # One person twice in a picture is given to one face alone.
    answer = api.post("/api/face/recognize-all", files={"image": picture(1, 1)})
    assert sorted(face["match"] is not None for face in answer.json()["faces"]) == [False, True]
    for outcome, known in (("match", PACK_NAME), ("no_match", "none")):
        assert grew.value("rollcall_recognition_outcomes_total", outcome=outcome) == 1
        assert grew.value("rollcall_similarity_count", outcome=outcome) == 1
        assert grew.value("rollcall_recognitions_total", model=PACK_NAME, matched_by=known) == 1


def test_what_could_not_be_written_down_is_not_counted(start_app: StartApp, tmp_path: Path) -> None:
    api = start_app(database_url=f"sqlite:///{tmp_path}/torn.db")
    enroll(api, "S1", 1)
    grew = Difference(api)
    with sqlite3.connect(tmp_path / "torn.db") as torn:
        torn.execute("DROP TABLE FaceRecognitionLogs")
    answer = api.post("/api/face/recognize", files={"image": picture(1)})
    assert error_of(answer, 503) == "DATABASE_ERROR"
    counted = (
        "rollcall_recognition_outcomes_total",
        "rollcall_recognitions_total",
        "rollcall_similarity_count",
    )
    assert [grew.value(name) for name in counted] == [0, 0, 0]


def test_each_step_of_a_recognition_is_timed(
    model_dir: Path, watched_reader: FaceReader, tmp_path: Path
) -> None:
    with LiveApp(settings_for(model_dir, tmp_path), watched_reader) as api:
        enroll(api, "S1", 1)
        grew = Difference(api)
        for _ in range(3):
            recognize(api, 1)
        counts = {step: grew.value("rollcall_step_duration_seconds_count", step=step) for step in STEPS}
        spent = {step: grew.value("rollcall_step_duration_seconds_sum", step=step) for step in STEPS}
    # Background work uses the database too.
    assert counts.pop("database") >= 3
    assert counts == dict.fromkeys(counts, 3)
    assert all(0 < seconds < 60 for seconds in spent.values())


def test_a_picture_without_a_face_is_neither_aligned_nor_embedded(
    model_dir: Path, watched_reader: FaceReader, tmp_path: Path
) -> None:
    with LiveApp(settings_for(model_dir, tmp_path), watched_reader) as api:
        grew = Difference(api)
        api.post("/api/face/detect", files={"image": empty_picture()})
        counts = [
            grew.value("rollcall_step_duration_seconds_count", step=step)
            for step in ("decode", "detect", "align", "embed", "search")
        ]
    assert counts == [1, 1, 0, 0, 0]


def test_the_state_of_a_server_is_that_of_its_health(api: httpx.Client) -> None:
    enroll(api, "S1", 1)
    enroll(api, "S2", 2)
    wait_for(lambda: scrape(api).value("rollcall_gallery_faces", model=PACK_NAME) == 2, "a full gallery")
    found = scrape(api)
    states = {sample["status"] for sample in found.labels("rollcall_health_status")}
    assert states == {"healthy", "degraded", "unhealthy"}
    assert found.value("rollcall_health_status", status="healthy") == 1
    assert found.value("rollcall_health_status") == 1
    assert found.value("rollcall_database_up") == 1
    assert found.value("rollcall_enrolled_faces") == 2
    assert found.value("rollcall_model_active", model=PACK_NAME) == 1
    assert found.value("rollcall_model_info", model=PACK_NAME, dimension="512") == 1
    assert found.value("rollcall_build_info", version=__version__) == 1
    assert found.value("rollcall_jobs_running") == 0
    assert {labels["kind"] for labels in found.labels("rollcall_jobs_running")} == {
        "switch",
        "embed",
        "download",
        "import",
    }
    assert found.value("rollcall_process_memory_bytes", process="api") > 50e6


def test_connections_in_use_are_told_by_pool(start_app: StartApp, mariadb: MariaDBServer) -> None:
    url = mariadb.new_database()
    api = start_app(database_url=url, database_timeout_seconds=60, database_pool_size=5)
    limits = {
        pool: scrape(api).value("rollcall_database_connections_max", pool=pool)
        for pool in ("requests", "recognition", "health")
    }
    assert limits == {"requests": 3, "recognition": 2, "health": 2}
    with (
        ThreadPoolExecutor(1) as callers,
        holding(mariadb, url, "SELECT * FROM RollcallState FOR UPDATE"),
    ):
        waiting = callers.submit(enroll, api, "S1", 1)
        in_use = "rollcall_database_connections_in_use"
        wait_for(lambda: scrape(api).value(in_use, pool="requests") >= 1, "a connection in use")
        assert not waiting.done()


def test_requests_in_work_and_in_the_queue_are_told_apart(
    model_dir: Path, held_reader: HeldReader, tmp_path: Path
) -> None:
    settings = settings_for(model_dir, tmp_path, max_concurrent_requests=2)
    with LiveApp(settings, held_reader) as api, ThreadPoolExecutor(5) as callers:
        held_reader.held = True
        asked = [callers.submit(api.post, "/api/face/detect", files={"image": picture(1)}) for _ in range(5)]

        def stand() -> tuple[float, float]:
            found = scrape(api)
            return found.value("rollcall_requests_in_flight"), found.value("rollcall_queue_depth")

        wait_for(lambda: stand() == (2, 3), "two at work and three in the queue")
        held_reader.held = False
        assert [one.result().status_code for one in asked] == [200] * 5
        assert stand() == (0, 0)


def test_a_scrape_is_answered_whatever_hangs(
    mariadb: MariaDBServer, model_dir: Path, held_reader: HeldReader, tmp_path: Path
) -> None:
    url = mariadb.new_database()
    with LiveApp(settings_for(model_dir, tmp_path, database_url=url), held_reader) as api:
        held_reader.held = True
        with holding(mariadb, url, "LOCK TABLES FaceData WRITE"):
            began = time.monotonic()
            found = scrape(api)
            # Two seconds, and some for a busy machine. What hangs here hangs until the block ends.
            assert time.monotonic() - began < 5
        assert found.value("rollcall_health_status", status="unhealthy") == 1
        assert found.value("rollcall_database_up") == 1
        held_reader.held = False


def test_a_database_that_is_away_is_told(tmp_path: Path, model_dir: Path, reader: FaceReader) -> None:
    with MariaDBServer() as server:
        url = server.new_database()
        with LiveApp(settings_for(model_dir, tmp_path, database_url=url), reader) as api:
            assert scrape(api).value("rollcall_database_up") == 1
            server.stop()
            wait_for(lambda: scrape(api).value("rollcall_database_up") == 0, "a database that is down")
            assert scrape(api).value("rollcall_health_status", status="unhealthy") == 1


def test_no_metric_is_told_twice(api: httpx.Client) -> None:
    recognize(api, 1)
    names = scrape(api).names
    assert len(names) == len(set(names))
    assert all(name.startswith("rollcall_") for name in names)
    assert not any(name.endswith("_created") for name in names)


@pytest.mark.skipif(
    which("promtool") is None, reason="promtool is not installed (apt-get install prometheus)"
)
def test_prometheus_has_nothing_to_say_against_the_metrics(api: httpx.Client) -> None:
    enroll(api, "S1", 1)
    recognize(api, 1)
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=scrape(api).text, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_rules_and_dashboards_are_checked_by_the_names_and_labels_that_a_server_has(
    api: httpx.Client,
) -> None:
    enroll(api, "S001", 1)
    recognize(api, 1)
    seen = scrape(api)
    found = {name for name in SERIES if seen.labels(name)}
    for name in found:
        labels = {label for sample in seen.labels(name) for label in sample}
        assert labels == set(SERIES[name]), name
    # What a server without a switch, a download and a shadow model does not have.
    assert set(SERIES) - found <= {
        "rollcall_download_bytes",
        "rollcall_switch_faces",
        "rollcall_switch_faces_done",
        "rollcall_shadow_comparisons_total",
        "rollcall_runner_queue_depth",
    }
    ours = {sample.name for sample in seen.samples if sample.name.startswith("rollcall_")}
    assert ours <= set(SERIES)
