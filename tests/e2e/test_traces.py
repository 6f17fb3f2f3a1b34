"""A request's way through both processes, as a collector of traces sees it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.log_lines import lines_of
from tests.otlp_collector import Collector, Span
from tests.packs import picture
from tests.servers import ROOT, RollcallServer, clean_environment, free_port, wait_for

pytestmark = pytest.mark.slow

CALLER_TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER_SPAN = "b7ad6b7169203331"
SERVER_KIND, CLIENT_KIND = 2, 3
AT_ONCE = 12
STOP_SECONDS = 30


@pytest.fixture(scope="module")
def traced(
    tmp_path_factory: pytest.TempPathFactory, pack_settings: dict[str, str]
) -> Iterator[tuple[RollcallServer, Collector]]:
    """A server that sends its spans to a collector, with student S1 enrolled."""
    with (
        Collector() as collector,
        RollcallServer(
            tmp_path_factory.mktemp("traced"),
            **pack_settings,
            LOG_LEVEL="DEBUG",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="100",
        ) as server,
    ):
        enroll(server)
        yield server, collector


def enroll(server: RollcallServer) -> None:
    fields = {"person_type": "student", "person_code": "S1", "person_name": "Zebulon Quux"}
    answer = server.client.post("/api/face/enroll", data=fields, files={"image": picture(1)})
    assert answer.status_code == 200, answer.text


def recognize(server: RollcallServer, trace_id: str = CALLER_TRACE) -> None:
    """As a caller that takes part in a trace."""
    with httpx.Client(base_url=server.url, timeout=120) as client:
        answer = client.post(
            "/api/face/recognize?who=Zebulon",
            files={"image": picture(1)},
            headers={
                "traceparent": f"00-{trace_id}-{CALLER_SPAN}-01",
                "tracestate": "vendor=Zebulon",
                "X-Request-ID": "caller-1",
            },
        )
    assert answer.json()["match"]["person_code"] == "S1"


def spans_when(collector: Collector, wanted: Callable[[list[Span]], bool]) -> list[Span]:
    """All spans, when those that are wanted have come."""
    wait_for(lambda: wanted(collector.spans()), "the spans", limit=60)
    return collector.spans()


def of(spans: list[Span], trace_id: str) -> list[Span]:
    return [span for span in spans if span.trace_id == trace_id]


def test_a_recognition_is_one_trace_from_its_caller_to_the_batch(
    traced: tuple[RollcallServer, Collector],
) -> None:
    server, collector = traced
    recognize(server)
    route = "POST /api/face/recognize"
    steps = {"decode", "detect", "align", "embed", "search", "database"}
    ends = {route, "FaceRunner/read", "FaceRunner/read batch", *steps}
    found = of(
        spans_when(collector, lambda spans: ends <= {s.name for s in of(spans, CALLER_TRACE)}), CALLER_TRACE
    )
    [request] = [span for span in found if span.name == route]
    [hop] = [span for span in found if span.name == "FaceRunner/read"]
    [batch] = [span for span in found if span.name == "FaceRunner/read batch"]
    assert (request.kind, request.parent_id) == (SERVER_KIND, CALLER_SPAN)
    assert (hop.kind, hop.parent_id) == (CLIENT_KIND, request.span_id)
    assert (batch.kind, batch.parent_id, batch.links) == (SERVER_KIND, hop.span_id, (hop.span_id,))
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/face/recognize",
        "http.response.status_code": "200",
    }
    assert not request.failed
    assert {span.resource["service.name"] for span in found} == {"rollcall"}
    assert (request.resource["rollcall.process"], batch.resource["rollcall.process"]) == ("api", "runner")
    # Nothing of these spans' parents is missing: no library has put one of its own in between.
    assert {span.parent_id for span in found} <= {CALLER_SPAN} | {span.span_id for span in found}


def test_log_lines_name_the_trace(traced: tuple[RollcallServer, Collector]) -> None:
    server, _ = traced
    trace_id = "1" * 32
    recognize(server, trace_id)

    def told() -> set[str]:
        return {line["process"] for line in lines_of(server) if line.get("trace_id") == trace_id}

    wait_for(lambda: told() == {"api", "runner"}, "lines of both processes", limit=60)


def test_each_request_of_a_batch_is_linked_to_it(traced: tuple[RollcallServer, Collector]) -> None:
    server, collector = traced
    traces = [f"{number:032x}" for number in range(1, AT_ONCE + 1)]
    with ThreadPoolExecutor(AT_ONCE) as callers:
        list(callers.map(lambda trace_id: recognize(server, trace_id), traces))

    def hops(spans: list[Span]) -> set[str]:
        return {span.span_id for span in spans if span.name == "FaceRunner/read" and span.trace_id in traces}

    def linked(spans: list[Span]) -> set[str]:
        return {link for span in spans for link in span.links}

    spans = spans_when(collector, lambda spans: len(hops(spans)) == AT_ONCE and hops(spans) <= linked(spans))
    assert {span.trace_id for span in spans if span.name == "POST /api/face/recognize"} >= set(traces)


def test_a_failed_request_is_marked_and_quotes_nothing(traced: tuple[RollcallServer, Collector]) -> None:
    server, collector = traced
    trace_id = "2" * 32
    server.client.get(
        "/api/face/list/Zebulon?person_code=S1", headers={"traceparent": f"00-{trace_id}-{CALLER_SPAN}-01"}
    )
    found = of(spans_when(collector, lambda spans: bool(of(spans, trace_id))), trace_id)
    [request] = [span for span in found if span.parent_id == CALLER_SPAN]
    assert request.name == "GET /api/face/list/{person_type}"
    assert request.attributes["http.response.status_code"] == "422"


def test_only_requests_begin_traces(traced: tuple[RollcallServer, Collector]) -> None:
    server, collector = traced
    assert server.health()
    server.client.get("/metrics")
    recognize(server, "3" * 32)
    spans = spans_when(collector, lambda spans: len(of(spans, "3" * 32)) >= 3)
    beginnings = {span.name for span in spans if not span.parent_id}
    assert beginnings == {"POST /api/face/enroll"}


def test_no_span_has_what_a_caller_sent(traced: tuple[RollcallServer, Collector]) -> None:
    server, collector = traced
    recognize(server, "4" * 32)
    spans_when(collector, lambda spans: len(of(spans, "4" * 32)) >= 3)
    sent = b"".join(collector.bodies)
    for secret in (b"Zebulon", b"Quux", b"S1", b"caller-1", picture(1)[500:520]):
        assert secret not in sent


def test_a_service_may_have_another_name(tmp_path: Path, pack_settings: dict[str, str]) -> None:
    with Collector() as collector:
        with RollcallServer(
            tmp_path,
            **pack_settings,
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{collector.url}/v1/traces",
            OTEL_SERVICE_NAME="north-school",
            # So long that only the end sends what there is.
            OTEL_BSP_SCHEDULE_DELAY="600000",
        ) as server:
            enroll(server)
            recognize(server)
        found = of(collector.spans(), CALLER_TRACE)
    assert {span.resource["service.name"] for span in found} == {"north-school"}
    assert {span.resource["rollcall.process"] for span in found} == {"api", "runner"}


FAILS_WHILE_IT_SERVES = """
import asyncio, os, service

async def main():
    service.app.state.face_reader = None
    async with service.lifespan(service.app):
        with service.tracing.request(None) as span:
            span.answered("GET", "/last", 200)
        raise RuntimeError

try:
    asyncio.run(main())
except RuntimeError:
    os._exit(0)
"""


def test_spans_are_sent_however_a_server_ends(tmp_path: Path) -> None:
    with Collector() as collector:
        settings = {
            "DATABASE_URL": f"sqlite:///{tmp_path}/rollcall.db",
            "MODEL_DIR": str(tmp_path),
            "AUTO_DOWNLOAD_MODELS": "false",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            # So long that only the end sends what there is.
            "OTEL_BSP_SCHEDULE_DELAY": "600000",
        }
        subprocess.run(
            [sys.executable, "-c", FAILS_WHILE_IT_SERVES, "--worker-id", "1"],  # as the API
            cwd=ROOT,
            env=clean_environment(settings),
            timeout=120,
            check=True,
        )
        assert [span.name for span in collector.spans()] == ["GET /last"]


@pytest.mark.parametrize("collector_is", ["down", "hanging"])
def test_a_collector_that_fails_holds_up_neither_requests_nor_the_end(
    tmp_path: Path, pack_settings: dict[str, str], collector_is: str
) -> None:
    with Collector(hanging=True) as collector:
        url = collector.url if collector_is == "hanging" else f"http://127.0.0.1:{free_port()}"
        with RollcallServer(
            tmp_path, **pack_settings, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_BSP_SCHEDULE_DELAY="100"
        ) as server:
            enroll(server)
            if collector_is == "hanging":
                wait_for(collector.called.is_set, "a call of the collector", limit=60)
            for _ in range(5):
                recognize(server)
            began = time.monotonic()
            server.stop()
            assert time.monotonic() - began < STOP_SECONDS
    assert "Service instance cleanup finalized" in json.dumps(lines_of(server))
