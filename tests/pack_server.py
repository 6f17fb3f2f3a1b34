"""A real HTTP server on this machine, and small packs for it to serve."""

import hashlib
import io
import threading
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from rollcall.modelstore.catalog import Pack, PackFile

DETECTOR = b"detector " * 1000
RECOGNISER = b"recogniser " * 300_000  # Unpacked, more than one chunk of the download.


def archive_of(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


ARCHIVE = archive_of({"det.onnx": DETECTOR, "rec.onnx": RECOGNISER, "genderage.onnx": b"not needed"})


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def pack_for(archive: bytes, *, releases: tuple[str, ...] = ()) -> Pack:
    """A pack whose archive has these bytes, and whose networks are DETECTOR and RECOGNISER."""
    return Pack(
        name="tiny",
        archive=PackFile(name="tiny.zip", sha256=sha256(archive)),
        detector=PackFile(name="det.onnx", sha256=sha256(DETECTOR)),
        recogniser=PackFile(name="rec.onnx", sha256=sha256(RECOGNISER)),
        releases=releases,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server says. `before_rest` runs when half the body is out; if False, the answer ends there."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    before_rest: Callable[[], bool] = lambda: True


class PackServer:
    """Serves `answers`, by path; everything else is 404."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.requests: list[tuple[str, Mapping[str, str]]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(answers))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.host}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]

    def _handler(self, answers: Mapping[str, Answer]) -> type[BaseHTTPRequestHandler]:
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                requests.append((self.path, dict(self.headers)))
                answer = answers.get(self.path, Answer(status=404))
                half = len(answer.body) // 2
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(answer.body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(answer.body[:half])
                    if answer.before_rest():
                        self.wfile.write(answer.body[half:])
                except ConnectionError:
                    pass  # The client has gone away, as some tests want it to.

            def log_message(self, format: str, *args: object) -> None:
                """Keep the tests' output quiet."""

        return Handler
