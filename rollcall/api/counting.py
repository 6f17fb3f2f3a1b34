"""Counts every request: by the template of its path, never by the path itself."""

import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rollcall.api.errors import ERROR_CODE
from rollcall.api.route_template import template
from rollcall.api.routes.fallthrough import METHODS
from rollcall.core.observing import RequestObserver

OTHER: Final = "other"
# What a request is counted as that raised before anything was answered.
_CRASHED: Final = 500


class CountRequests:
    """Lies outside of everything that answers, so that nothing is answered uncounted."""

    def __init__(self, app: ASGIApp, observer: RequestObserver) -> None:
        self._app = app
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = _CRASHED, time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            seconds = time.perf_counter() - began
            method = scope["method"] if scope["method"] in METHODS else OTHER
            self._observer.answered(route=template(scope), method=method, status=status, seconds=seconds)
            if (code := scope.get(ERROR_CODE)) is not None:
                self._observer.refused(code)
