"""A collector of OpenTelemetry's spans: OTLP over HTTP, in this process."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A span as it came; ids are hexadecimal, `resource` says which process it is of."""

    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[str, ...]
    attributes: Mapping[str, str]
    resource: Mapping[str, str]
    failed: bool


class Collector:
    """`with Collector() as collector:` — `hanging` takes what is sent and never answers."""

    def __init__(self, *, hanging: bool = False) -> None:
        self.bodies: list[bytes] = []
        self.called = threading.Event()
        self._end = threading.Event()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.called.set()
                if hanging:
                    collector._end.wait()
                    return
                collector.bodies.append(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Not to the tests' output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Collector":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def spans(self) -> list[Span]:
        """Whatever has come."""
        return [span for body in list(self.bodies) for span in _spans(body)]


def _spans(body: bytes) -> list[Span]:
    found: list[Span] = []
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        about = {item.key: item.value.string_value for item in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                assert not span.events
                assert not span.status.message
                found.append(
                    Span(
                        name=span.name,
                        kind=span.kind,
                        trace_id=span.trace_id.hex(),
                        span_id=span.span_id.hex(),
                        parent_id=span.parent_span_id.hex(),
                        links=tuple(link.span_id.hex() for link in span.links),
                        attributes={
                            item.key: item.value.string_value or str(item.value.int_value)
                            for item in span.attributes
                        },
                        resource=about,
                        failed=span.status.code == span.status.STATUS_CODE_ERROR,
                    )
                )
    return found
