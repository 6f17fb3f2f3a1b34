"""A real HTTP server on this machine, and small packs for it to serve."""

import hashlib
import io
import re
import threading
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self, TypeAlias

from rollcall.modelstore.catalog import Pack, PackFile

DETECTOR = b"detector " * 1000
RECOGNISER = b"recogniser " * 300_000  # Unpacked, more than one chunk of the download.


def archive_of(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, content in members.items():
            # Without the time of day, so that all processes of a test have the same bytes.
            archive.writestr(zipfile.ZipInfo(name), content, compression)
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
    """What the server says. `before_rest` runs when half the body is out; if False, the answer ends there.

    `length` is what it says the body's length is, if that is a lie.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    before_rest: Callable[[], bool] = lambda: True
    length: int | None = None


# What a server says may depend on the request's headers.
Answering: TypeAlias = Answer | Callable[[Mapping[str, str]], Answer]


def ranged(
    body: bytes, *, tag: str | None = None, before_rest: Callable[[], bool] = lambda: True
) -> Callable[[Mapping[str, str]], Answer]:
    """A server that sends the rest of a file to who has its beginning, if that is of the same file."""

    def answer(request: Mapping[str, str]) -> Answer:
        headers = {} if tag is None else {"ETag": tag}
        asked = re.fullmatch(r"bytes=(\d+)-", request.get("Range", ""))
        if asked is None or request.get("If-Range", tag) != tag:
            return Answer(body=body, headers=headers, before_rest=before_rest)
        begin = int(asked[1])
        if begin >= len(body):
            return Answer(status=416, headers={"Content-Range": f"bytes */{len(body)}"})
        headers["Content-Range"] = f"bytes {begin}-{len(body) - 1}/{len(body)}"
        return Answer(status=206, body=body[begin:], headers=headers, before_rest=before_rest)

    return answer


def in_turn(*answers: Answering) -> Callable[[Mapping[str, str]], Answer]:
    """One after the other, the last one for ever."""
    waiting = list(answers)

    def answer(request: Mapping[str, str]) -> Answer:
        current = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return current(request) if callable(current) else current

    return answer


class PackServer:
    """Serves `answers`, by path; everything else is 404.

    Who takes it for a proxy asks for whole addresses.
    """

    def __init__(self, answers: Mapping[str, Answering]) -> None:
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
    def ranges(self) -> list[str | None]:
        """What part of the file each request asked for; None if for all of it."""
        return [headers.get("Range") for _, headers in self.requests]

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]

    def _handler(self, answers: Mapping[str, Answering]) -> type[BaseHTTPRequestHandler]:
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                requests.append((self.path, dict(self.headers)))
                found = answers.get(self.path, Answer(status=404))
                answer = found(dict(self.headers)) if callable(found) else found
                half = (len(answer.body) + 1) // 2
                length = len(answer.body) if answer.length is None else answer.length
                self.send_response(answer.status)
                self.send_header("Content-Length", str(length))
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
