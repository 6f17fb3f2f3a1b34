"""Paths and methods that nobody serves. BentoML would answer them in plain text."""

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Mount, Route

from rollcall.core.errors import MethodNotAllowed, NotFound, RollcallError

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def install_fallthrough(app: FastAPI) -> None:
    """Must come after all other routes: it takes whatever they leave."""
    app.add_route("/{path:path}", fall_through, methods=list(METHODS), include_in_schema=False)


async def fall_through(_request: Request) -> Response:
    """As Starlette itself refuses other methods than these, so all are counted and answered in one place."""
    raise HTTPException(404)


def refusal(request: Request) -> RollcallError:
    """MethodNotAllowed if the path exists with another method, NotFound if it does not exist."""
    others = [
        route
        for route in request.app.routes
        if not isinstance(route, Mount) and not (isinstance(route, Route) and route.endpoint is fall_through)
    ]
    allowed = [
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in others)
    ]
    return MethodNotAllowed(allowed=allowed) if allowed else NotFound()
