"""An ASGI app called as uvicorn calls it, without a connection."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

_CHUNK = 65536  # as uvicorn hands a body on
_BOUNDARY = b"rollcall-bench-boundary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    scope: Mapping[str, Any]
    body: Sequence[bytes]

    async def send(self, app: FastAPI) -> bytes:
        """The answer's body. Raises RuntimeError for anything but a 200."""
        pieces, answer, status = iter(self.body), [], 0
        left = len(self.body)

        async def receive() -> dict[str, Any]:
            nonlocal left
            left -= 1
            if left < 0:
                await asyncio.Event().wait()  # the caller stays
            return {"type": "http.request", "body": next(pieces, b""), "more_body": left > 0}

        async def send(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            answer.append(message.get("body", b""))

        await app({**self.scope, "headers": list(self.scope["headers"]), "state": {}}, receive, send)
        if status != 200:
            raise RuntimeError(f"{self.scope['path']} answered {status}")
        return b"".join(answer)


def get(address: str) -> Call:
    path, _, query = address.partition("?")
    return Call(scope=_scope("GET", path, query, []), body=[b""])


def post(path: str, photo: bytes) -> Call:
    form = (
        b"--%b\r\n"
        b'Content-Disposition: form-data; name="image"; filename="camera.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n%b\r\n--%b--\r\n" % (_BOUNDARY, photo, _BOUNDARY)
    )
    kind = b"multipart/form-data; boundary=" + _BOUNDARY
    headers = [(b"content-type", kind), (b"content-length", str(len(form)).encode())]
    body = [form[start : start + _CHUNK] for start in range(0, len(form), _CHUNK)]
    return Call(scope=_scope("POST", path, "", headers), body=body)


def _scope(method: str, path: str, query: str, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"rollcall"), (b"user-agent", b"bench"), *headers],
        "client": ("192.0.2.1", 50000),
        "server": ("127.0.0.1", 8000),
    }
