"""The metrics of several processes as one, as BentoML's workers write them."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from rollcall.core.figures import Figures, HealthStatus, Turns
from rollcall.core.models import LoadedModel
from rollcall.core.observing import FeedbackOutcome
from rollcall.telemetry.exposition import PrometheusExposition
from tests.scrape import Scrape
from tests.servers import ROOT, clean_environment, wait_for

TURNS = Turns(working=0, waiting=0)
FIGURES = Figures(
    status=HealthStatus.DEGRADED,
    database_up=True,
    enrolled_faces=3,
    active_model=None,
    loaded_models=(LoadedModel(name="pack", backend="none", dimension=8),),
    faces={},
    downloads={},
    switch=("next", 3, 8),
    importing=False,
    embedding=True,
    pools={},
)
# Counts a request, a batch and a picture in the queue. Ends when told, by itself or as whoever kills it.
WORKER = """
import os, signal, sys
from rollcall.core.observing import Step
from rollcall.telemetry.observer import OBSERVER
OBSERVER.answered(route="/api/health", method="GET", status=200, seconds=0.02)
OBSERVER.batch(3)
OBSERVER.runner_queue(5)
with OBSERVER.step(Step.DECODE):
    pass
print("done", flush=True)
if sys.stdin.readline().strip() == "die":
    os.kill(os.getpid(), signal.SIGKILL)
"""
# Counts all the time, with ever new labels, so that its files grow.
BUSY = """
import itertools
from rollcall.telemetry.observer import OBSERVER
print("done", flush=True)
for number in itertools.count():
    OBSERVER.answered(route=f"/{number % 200}", method="GET", status=200, seconds=0.02)
"""
# Counts the same labels twice, so many that the files must grow: first where no file may, then where it may.
CRAMPED = """
import resource
from rollcall.telemetry.observer import OBSERVER
size, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
for limit in (1 << 16, size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    for number in range(500):
        OBSERVER.answered(route=f"/{number}", method="GET", status=200, seconds=0.02)
print("done", flush=True)
"""


def worker(folder: Path, script: str = WORKER) -> "subprocess.Popen[str]":
    environment = clean_environment({"PROMETHEUS_MULTIPROC_DIR": str(folder)})
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "done\n"
    return process


def end(process: "subprocess.Popen[str]", how: str) -> None:
    process.communicate(how)


# The workers of a server have one parent, its supervisor. Here the test is the parent, so the exposition runs
# in a process of its own beside them.
SCRAPE = """
import sys
from pathlib import Path
from tests.unit.rollcall.telemetry.test_exposition import FIGURES, TURNS
from rollcall.telemetry.exposition import PrometheusExposition
exposition = PrometheusExposition(version="1.2.3", folder=Path(sys.argv[1]))
sys.stdout.buffer.write(exposition.text(FIGURES, TURNS))
"""


def scraped(folder: Path) -> Scrape:
    done = subprocess.run(
        [sys.executable, "-c", SCRAPE, str(folder)],
        cwd=ROOT,
        env=clean_environment({"PROMETHEUS_MULTIPROC_DIR": str(folder)}),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return Scrape(done.stdout)


def test_what_processes_counted_is_added_up(tmp_path: Path) -> None:
    first, second = worker(tmp_path), worker(tmp_path)
    found = scraped(tmp_path)
    assert found.value("rollcall_requests_total", route="/api/health", method="GET", status="200") == 2
    assert found.value("rollcall_request_duration_seconds_bucket", le="0.025") == 2
    assert found.value("rollcall_request_duration_seconds_bucket", le="0.01") == 0
    assert found.value("rollcall_batch_size_sum") == 6
    assert found.value("rollcall_step_duration_seconds_count", step="decode") == 2
    assert found.value("rollcall_runner_queue_depth") == 10
    end(first, "")
    end(second, "")


@pytest.mark.parametrize("how", ["die", "end"])
def test_a_process_that_is_gone_keeps_its_counts_and_loses_its_state(tmp_path: Path, how: str) -> None:
    first = worker(tmp_path)
    end(first, how)
    found = scraped(tmp_path)
    assert found.value("rollcall_requests_total") == 1
    assert found.value("rollcall_runner_queue_depth") == 0
    second = worker(tmp_path)
    found = scraped(tmp_path)
    assert found.value("rollcall_requests_total") == 2
    assert found.value("rollcall_runner_queue_depth") == 5
    end(second, "")


def test_no_sample_names_a_process(tmp_path: Path) -> None:
    process = worker(tmp_path)
    assert not any("pid" in sample.labels for sample in scraped(tmp_path).samples)
    end(process, "")


def test_scrapes_at_once_while_others_count_all_succeed(tmp_path: Path) -> None:
    counting = worker(tmp_path, BUSY)
    exposition = PrometheusExposition(version="1.2.3", folder=tmp_path)
    try:
        with ThreadPoolExecutor(4) as askers:
            texts = list(askers.map(lambda _: exposition.text(FIGURES, TURNS), range(8)))
    finally:
        counting.kill()
        counting.communicate()
    totals = [Scrape(text.decode()).value("rollcall_requests_total") for text in texts]
    assert totals[-1] > totals[0] > 0


def test_feedback_on_models_in_memory_begins_at_0_so_that_a_rate_sees_the_first(tmp_path: Path) -> None:
    found = scraped(tmp_path)
    told = [
        labels["outcome"] for labels in found.labels("rollcall_feedback_total") if labels["model"] == "pack"
    ]
    assert sorted(told) == sorted(FeedbackOutcome)
    assert found.value("rollcall_feedback_total") == 0


def test_a_file_that_is_just_being_begun_is_no_fault(tmp_path: Path) -> None:
    process = worker(tmp_path)
    for kind in ("counter", "histogram", "gauge_livesum"):
        (tmp_path / f"{kind}_{os.getpid()}.db").touch()
    text = PrometheusExposition(version="1.2.3", folder=tmp_path).text(FIGURES, TURNS)
    assert Scrape(text.decode()).value("rollcall_requests_total") == 1
    end(process, "")


def test_state_comes_from_the_figures() -> None:
    exposition = PrometheusExposition(version="1.2.3", folder=None)
    found = Scrape(exposition.text(FIGURES, Turns(working=2, waiting=7)).decode())
    assert found.value("rollcall_health_status", status="degraded") == 1
    assert found.value("rollcall_health_status") == 1
    assert found.value("rollcall_requests_in_flight") == 2
    assert found.value("rollcall_queue_depth") == 7
    assert found.value("rollcall_jobs_running", kind="switch") == 1
    assert found.value("rollcall_jobs_running", kind="embed") == 1
    assert found.value("rollcall_jobs_running", kind="download") == 0
    assert found.value("rollcall_switch_faces_done", model="next") == 3
    assert found.value("rollcall_switch_faces", model="next") == 8
    assert found.value("rollcall_build_info", version="1.2.3") == 1
    assert found.value("rollcall_process_memory_bytes", process="api") > 10e6


def test_the_room_of_what_is_counted_is_taken_beforehand(tmp_path: Path) -> None:
    process = worker(tmp_path, BUSY)
    first = 1 << 16

    def sizes() -> list[int]:
        return [file.stat().st_size for file in tmp_path.glob("*.db")]

    try:
        wait_for(lambda: max(sizes()) > first, "a file that grew")
    finally:
        process.kill()
        process.communicate()
    assert min(sizes()) == first
    for file in tmp_path.glob("*.db"):
        found = file.stat()
        assert found.st_blocks * 512 >= found.st_size, file.name


def test_what_finds_no_room_is_counted_when_there_is_some(tmp_path: Path) -> None:
    process = worker(tmp_path, CRAMPED)
    end(process, "")
    assert process.returncode == 0
    found = scraped(tmp_path)
    assert found.value("rollcall_requests_total", status="200") == 1000
    assert found.value("rollcall_request_duration_seconds_count") == 1000


def test_recognitions_by_the_model_that_answers_begin_at_0() -> None:
    exposition = PrometheusExposition(version="1.2.3", folder=None)
    text = exposition.text(replace(FIGURES, active_model="just-loaded"), TURNS)
    found = Scrape(text.decode())
    known_by = [
        labels["matched_by"]
        for labels in found.labels("rollcall_recognitions_total")
        if labels["model"] == "just-loaded"
    ]
    assert sorted(known_by) == ["just-loaded", "none"]
    assert found.value("rollcall_recognitions_total", model="just-loaded") == 0
    outcomes = {labels["outcome"] for labels in found.labels("rollcall_shadow_comparisons_total")}
    assert outcomes == {"stored", "dropped", "failed"}
