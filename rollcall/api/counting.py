"""Counts every request: by the template of its path, never by the path itself."""

import time
from collections.abc import Hashable, Mapping
from typing import Final

from fastapi.routing import APIRoute
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rollcall.api.errors import ERROR_CODE
from rollcall.api.routes.fallthrough import METHODS, fall_through
from rollcall.core.observing import RequestObserver

UNMATCHED: Final = "unmatched"
OTHER: Final = "other"
# What a request is counted as that raised before anything was answered.
_CRASHED: Final = 500


class CountRequests:
    """Lies outside of everything that answers, so that nothing is answered uncounted."""

    def __init__(self, app: ASGIApp, observer: RequestObserver) -> None:
        self._app = app
        self._observer = observer
        self._templates: Mapping[Hashable, str] | None = None

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
            self._observer.answered(
                route=self._template(scope), method=method, status=status, seconds=seconds
            )
            if (code := scope.get(ERROR_CODE)) is not None:
                self._observer.refused(code)

    def _template(self, scope: Scope) -> str:
        """Such as /api/face/list/{person_type}. Routing left it in the scope, if it came to that."""
        route = scope.get("route")
        if isinstance(route, APIRoute):
            return route.path_format
        if self._templates is None:
            self._templates = _templates(scope)
        endpoint = scope.get("endpoint")
        return self._templates.get(endpoint, UNMATCHED) if isinstance(endpoint, Hashable) else UNMATCHED


def _templates(scope: Scope) -> dict[Hashable, str]:
    """Those of Starlette's own routes, such as /docs, which it does not leave in the scope: by endpoint."""
    found: dict[Hashable, str] = {}
    for route in scope["app"].routes:
        if isinstance(route, Mount):
            found[route.app] = route.path_format
        elif isinstance(route, Route) and route.endpoint is not fall_through:
            found[route.endpoint] = route.path_format
    return found
