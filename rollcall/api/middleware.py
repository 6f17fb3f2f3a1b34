"""What every request passes: an id, and a last net for faults."""

import re
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rollcall.api.errors import answer, from_crash
from rollcall.core.requests import request_id

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestId:
    """Takes a caller's X-Request-ID where it is fit for a log, else makes one; answers and logs carry it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        current = given if _GIVEN_ID.fullmatch(given) else uuid4().hex
        token = request_id.set(current)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = current
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            request_id.reset(token)


class LastNet:
    """Answers INTERNAL_ERROR for whatever no handler expected.

    Starlette's own last net lies outside of all middleware: its answer would lack the request id and the
    CORS headers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            if scope["type"] != "http" or started:
                raise
            await answer(from_crash(error))(scope, receive, send)
