"""OpenTelemetry's spans, sent by OTLP over HTTP, where OTEL_* asks for them.

The SDK reads its other settings (headers, sampler, batches, attributes of the resource) from the environment
itself. No span has what a caller sent in it: no path, no code, no text of an exception.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes

from rollcall.core.requests import RequestSpan

# What is left to send at the end is sent within this, or lost. rollcall/draining.py leaves the runner 3 s for
# its end, and the API as many after its last requests.
FLUSH_SECONDS: Final = 2.0

_W3C: Final = TraceContextTextMapPropagator()


class Traces:
    """Implements core.requests.Tracing. One in a process at most: it is OpenTelemetry's provider there."""

    def __init__(self, *, endpoint: str, process: str, version: str) -> None:
        """`endpoint` is the whole address, such as http://collector:4318/v1/traces. Connects later."""
        ours = Resource({"service.name": "rollcall", "service.version": version, "rollcall.process": process})
        self._provider = TracerProvider(
            # What the environment says wins.
            resource=ours.merge(OTELResourceDetector().detect()),
            # Events hold the text of exceptions.
            span_limits=SpanLimits(max_events=0),
            shutdown_on_exit=False,
        )
        self._provider.sampler = _OfRequests(self._provider.sampler)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
        trace.set_tracer_provider(self._provider)
        self._tracer = self._provider.get_tracer("rollcall", version)

    @contextmanager
    def request(self, traceparent: str | None) -> Iterator[RequestSpan]:
        parent = _context(traceparent)
        span = self._tracer.start_span("request", context=parent, kind=SpanKind.SERVER)
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            yield _Request(span)

    @contextmanager
    def hop(self) -> Iterator[str | None]:
        with self._tracer.start_as_current_span(
            "FaceRunner/read",
            kind=SpanKind.CLIENT,
            record_exception=False,
            set_status_on_exception=False,
        ):
            carrier: dict[str, str] = {}
            _W3C.inject(carrier)
            yield carrier.get("traceparent")

    @contextmanager
    def batch(self, traceparents: Sequence[str]) -> Iterator[object]:
        calls = [trace.get_current_span(_context(traceparent)) for traceparent in traceparents]
        sampled = [call for call in calls if call.get_span_context().trace_flags.sampled]
        if not sampled:
            yield None
            return
        with self._tracer.start_as_current_span(
            "FaceRunner/read batch",
            context=trace.set_span_in_context(sampled[0], Context()),
            kind=SpanKind.SERVER,
            links=[Link(call.get_span_context()) for call in sampled],
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield span

    def end(self) -> None:
        """Send what is left. Blocks for at most FLUSH_SECONDS, whatever the collector does."""
        last = threading.Thread(target=self._provider.shutdown, daemon=True)
        last.start()
        last.join(FLUSH_SECONDS)


class _Request:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def answered(self, method: str, route: str, status: int | None) -> None:
        self._span.update_name(f"{method} {route}")
        self._span.set_attributes({"http.request.method": method, "http.route": route})
        if status is not None:
            self._span.set_attribute("http.response.status_code", status)
        if status is None or status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))


class _OfRequests(Sampler):
    """Traces begin with requests. What a server does by itself would make one every few seconds."""

    def __init__(self, otherwise: Sampler) -> None:
        self._otherwise = otherwise

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        parent = trace.get_current_span(parent_context).get_span_context()
        if not parent.is_valid and kind is not SpanKind.SERVER:
            return SamplingResult(Decision.DROP)
        return self._otherwise.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )

    def get_description(self) -> str:
        return f"OfRequests({self._otherwise.get_description()})"


def _context(traceparent: str | None) -> Context:
    """W3C's `tracestate` is left out: anybody can write anything there."""
    return _W3C.extract({"traceparent": traceparent} if traceparent else {}, context=Context())
