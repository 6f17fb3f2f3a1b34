"""One line, and where traces are on one span, about each request."""

import logging
import time
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rollcall.api.route_template import template
from rollcall.core.requests import Tracing, Untraced

logger = logging.getLogger("rollcall.access")

# Asked every few seconds by machines: told at DEBUG alone, and not traced.
QUIET: Final = ("/api/health", "/metrics")
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
_UNTRACED: Final = Untraced()


class Access:
    """Tells what was asked and answered, never by whom or with what: the route's template, not the path.

    Who showed an API key is named as `state["key_name"]` in the request's scope says.
    """

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer, quiet = _Answer(scope, receive, send), scope["path"] in QUIET
        tracing = _UNTRACED if quiet else self._tracing
        with tracing.request(Headers(scope=scope).get("traceparent")) as span:
            try:
                await self._app(scope, answer.receive, answer.send)
            finally:
                span.answered(answer.method, template(scope), answer.status)
                answer.tell(logging.DEBUG if quiet else logging.INFO)


class _Answer:
    """What is seen of a request while it passes."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._began = time.perf_counter()
        self._bytes_in = 0
        self.status: int | None = None
        self.method = scope["method"] if scope["method"] in METHODS else "_OTHER"

    async def receive(self) -> Message:
        message = await self._receive()
        self._bytes_in += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)

    def tell(self, level: int) -> None:
        if not logger.isEnabledFor(level):
            return
        route = template(self._scope)
        milliseconds = round((time.perf_counter() - self._began) * 1000, 1)
        client = self._scope.get("client")
        fields = {
            "method": self.method,
            "route": route,
            "status": self.status,
            "duration_ms": milliseconds,
            "bytes_in": self._bytes_in,
            "client": client[0] if client else None,
            "key": self._scope.get("state", {}).get("key_name"),
        }
        told = (self.method, route, self.status or "unanswered", milliseconds)
        logger.log(level, "%s %s %s in %.1f ms", *told, extra={"fields": fields})
