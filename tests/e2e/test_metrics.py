"""The metrics of a real server: its API and its runner are two processes, and tell as one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.e2e.two_models import code, enrol, recognized
from tests.packs import picture
from tests.scrape import scrape
from tests.servers import RollcallServer, wait_for

pytestmark = pytest.mark.slow

STEPS = ("decode", "detect", "align", "embed")
CALLERS = 32
COUNT = "rollcall_step_duration_seconds_count"


@pytest.fixture
def own_server(tmp_path: Path, pack_settings: dict[str, str]) -> Iterator[RollcallServer]:
    """A server that may be ill-treated, with student S1 enrolled; more may be in work than a batch takes."""
    with RollcallServer(tmp_path, **pack_settings, MAX_CONCURRENT_REQUESTS=str(CALLERS)) as server:
        enrol(server, 1)
        yield server


def runner_reads(server: RollcallServer) -> float:
    return scrape(server.client).value(COUNT, step="decode")


def test_the_steps_of_the_runner_are_told_by_the_api(server: RollcallServer) -> None:
    before = scrape(server.client)
    for _ in range(3):
        server.client.post("/api/face/detect", files={"image": picture(2)})
    after = scrape(server.client)
    assert after.value(COUNT, step="decode") - before.value(COUNT, step="decode") == 3
    assert after.value("rollcall_batch_size_sum") - before.value("rollcall_batch_size_sum") == 3
    assert set(after.labels(COUNT)[0]) == {"step"}
    assert after.value("rollcall_runner_queue_depth") == 0


def test_pictures_that_wait_in_the_runner_are_told(own_server: RollcallServer) -> None:
    with ThreadPoolExecutor(CALLERS) as callers:
        asked = [
            callers.submit(own_server.client.post, "/api/face/detect", files={"image": picture(number % 60)})
            for number in range(200)
        ]
        depths = set[float]()
        while not all(one.done() for one in asked):
            depths.add(scrape(own_server.client).value("rollcall_runner_queue_depth"))
        assert {one.result().status_code for one in asked} == {200}
    assert 1 <= max(depths) <= CALLERS
    assert scrape(own_server.client).value("rollcall_runner_queue_depth") == 0


def test_memory_is_told_of_each_process(server: RollcallServer) -> None:
    found = scrape(server.client)
    proportional = {
        "supervisor": server.processes()[0].memory_full_info().pss,
        "api": server.worker("FaceAPI").memory_full_info().pss,
        "runner": server.worker("FaceRunner").memory_full_info().pss,
    }
    for process, expected in proportional.items():
        told = found.value("rollcall_process_memory_bytes", process=process)
        assert told == pytest.approx(expected, rel=0.2)


def test_a_runner_that_was_killed_keeps_its_counts(own_server: RollcallServer) -> None:
    assert code(recognized(own_server, 1)) == "S1"
    before = scrape(own_server.client)
    killed = own_server.worker("FaceRunner")
    killed.kill()
    psutil.wait_procs([killed], timeout=60)
    assert runner_reads(own_server) == before.value(COUNT, step="decode")
    wait_for(lambda: own_server.health().get("status") == "healthy", "a new runner")
    assert code(recognized(own_server, 1)) == "S1"
    after = scrape(own_server.client)
    assert after.value(COUNT, step="decode") == before.value(COUNT, step="decode") + 1
    assert after.value("rollcall_runner_queue_depth") == 0
    told = after.value("rollcall_process_memory_bytes", process="runner")
    assert told == pytest.approx(own_server.worker("FaceRunner").memory_full_info().pss, rel=0.2)


def test_an_api_that_was_killed_keeps_its_counts(own_server: RollcallServer) -> None:
    for _ in range(5):
        own_server.client.get("/api/face/list/all")
    assert code(recognized(own_server, 1)) == "S1"
    route = "/api/face/list/{person_type}"
    before = scrape(own_server.client)
    assert before.value("rollcall_requests_total", route=route) == 5
    assert before.value("rollcall_recognitions_total") == 1
    killed = own_server.worker("FaceAPI")
    killed.kill()
    psutil.wait_procs([killed], timeout=60)
    wait_for(lambda: own_server.health().get("status") == "healthy", "a new API")
    after = scrape(own_server.client)
    assert after.value("rollcall_requests_total", route=route) == 5
    assert after.value("rollcall_recognitions_total") == 1
    assert after.value("rollcall_recognition_outcomes_total") == 1
    assert after.value("rollcall_similarity_count") == 1
    own_server.client.get("/api/face/list/all")
    assert scrape(own_server.client).value("rollcall_requests_total", route=route) == 6


def test_servers_with_one_home_of_bentoml_count_for_themselves(
    own_server: RollcallServer, tmp_path: Path, pack_settings: dict[str, str]
) -> None:
    def recognitions(server: RollcallServer) -> float:
        return scrape(server.client).value("rollcall_recognitions_total")

    recognized(own_server, 1)
    assert recognitions(own_server) == 1
    first = own_server.worker("FaceAPI").environ()
    home = {"BENTOML_HOME": first["BENTOML_HOME"]}
    (tmp_path / "second").mkdir()
    with RollcallServer(tmp_path / "second", **pack_settings, **home) as second:
        enrol(second, 2)
        assert (recognitions(own_server), recognitions(second)) == (1, 0)
        recognized(second, 2)
        recognized(second, 2)
        assert (recognitions(own_server), recognitions(second)) == (1, 2)
        both = (first, second.worker("FaceAPI").environ())
        folders = [Path(environment["PROMETHEUS_MULTIPROC_DIR"]) for environment in both]
        assert all(folder.is_dir() for folder in folders)
    assert [folder.exists() for folder in folders] == [True, False]
    recognized(own_server, 1)
    assert recognitions(own_server) == 2


def test_scrapes_under_load_are_right(own_server: RollcallServer) -> None:
    photo, route = picture(1), "/api/face/recognize"
    before = scrape(own_server.client).value("rollcall_requests_total", route=route)
    seen = []
    with ThreadPoolExecutor(8) as callers, ThreadPoolExecutor(2) as watchers:
        asked = [callers.submit(own_server.client.post, route, files={"image": photo}) for _ in range(100)]
        while not all(one.done() for one in asked):
            at_once = watchers.map(scrape, [own_server.client] * 2)
            seen.append(min(found.value("rollcall_requests_total", route=route) for found in at_once))
    assert {one.result().status_code for one in asked} == {200}
    after = scrape(own_server.client)
    assert after.value("rollcall_requests_total", route=route, status="200") - before == 100
    assert after.value("rollcall_recognition_outcomes_total", outcome="match") == 100
    assert len(seen) >= 2
    assert seen == sorted(seen)
    assert seen[-1] <= before + 100
    assert after.value("rollcall_requests_in_flight") == 0


def test_the_metrics_of_bentoml_are_off(server: RollcallServer) -> None:
    assert "bentoml" not in scrape(server.client).text
