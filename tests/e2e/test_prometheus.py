"""Debian's Prometheus reads a real server, and answers queries with what happened there."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.two_models import code, enrol, recognized
from tests.packs import empty_picture
from tests.prometheus import CONFIGURATION, Prometheus, is_installed
from tests.scrape import scrape
from tests.servers import RollcallServer, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_installed(), reason="Prometheus is not installed (apt-get install prometheus)"),
]


@pytest.fixture(scope="module")
def watched(
    tmp_path_factory: pytest.TempPathFactory, pack_settings: dict[str, str]
) -> Iterator[RollcallServer]:
    """An enrolment, 5 recognitions, 2 of them of a stranger, an error and an unknown path happened to it."""
    with RollcallServer(tmp_path_factory.mktemp("watched"), **pack_settings) as server:
        enrol(server, 1)
        assert [code(recognized(server, person)) for person in (1, 1, 1, 2, 2)] == ["S1"] * 3 + [None] * 2
        nobody = server.client.post("/api/face/recognize", files={"image": empty_picture()})
        assert nobody.status_code == 422
        assert server.client.get("/wp-login.php").status_code == 404
        yield server


@pytest.fixture(scope="module")
def prometheus(watched: RollcallServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder: Path = tmp_path_factory.mktemp("prometheus")
    with Prometheus(folder, f"127.0.0.1:{watched.port}") as prometheus:
        wait_for(lambda: prometheus.value("max_over_time(up[5m])") == 1, "a scrape")
        yield prometheus


def test_the_server_is_up(prometheus: Prometheus) -> None:
    [target] = prometheus.targets()
    assert (target["health"], target["lastError"]) == ("up", "")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('sum(rollcall_requests_total{route="/api/face/recognize",status="200"})', 5),
        ('sum(rollcall_requests_total{route="/api/face/recognize",status="422"})', 1),
        ('sum(rollcall_requests_total{route="/api/face/enroll",method="POST",status="200"})', 1),
        ('sum(rollcall_requests_total{route="unmatched",status="404"})', 1),
        ('sum(rollcall_request_duration_seconds_count{route="/api/face/recognize"})', 6),
        ('rollcall_errors_total{code="NO_FACE_DETECTED"}', 1),
        ('rollcall_errors_total{code="NOT_FOUND"}', 1),
        ('rollcall_errors_total{code="INTERNAL_ERROR"}', 0),
        ('rollcall_recognition_outcomes_total{kind="recognize",outcome="match"}', 3),
        ('rollcall_recognition_outcomes_total{kind="recognize",outcome="no_match"}', 2),
        ('rollcall_recognition_outcomes_total{kind="recognize",outcome="no_face"}', 1),
        ('sum(rollcall_similarity_count{outcome="match"})', 3),
        ('rollcall_step_duration_seconds_count{step="embed"}', 6),
        ('rollcall_step_duration_seconds_count{step="decode"}', 7),
        ("rollcall_batch_size_sum", 7),
        ("rollcall_enrolled_faces", 1),
        ("sum(rollcall_gallery_faces)", 1),
        ("rollcall_database_up", 1),
        ('rollcall_health_status{status="healthy"}', 1),
        ("count(rollcall_process_memory_bytes)", 3),
    ],
)
def test_a_query_gives_what_happened(prometheus: Prometheus, query: str, expected: float) -> None:
    wait_for(lambda: prometheus.value(query) == expected, f"{query} = {expected}", limit=30)


def test_promtool_finds_no_fault_with_the_metrics(watched: RollcallServer) -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=scrape(watched.client).text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@pytest.mark.skipif(not CONFIGURATION.exists(), reason="deploy/ is not there")
def test_every_rule_can_be_evaluated(prometheus: Prometheus) -> None:
    wait_for(
        lambda: all(rule["health"] != "unknown" for rule in prometheus.rules()), "an evaluation", limit=120
    )
    assert {
        rule["name"]: rule.get("lastError", "") for rule in prometheus.rules() if rule["health"] != "ok"
    } == {}
    assert prometheus.rules()
