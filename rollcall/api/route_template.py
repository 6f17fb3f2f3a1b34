"""Which route a request took, by its template: the path as sent has codes of people in it."""

from typing import Final

from fastapi.routing import APIRoute
from starlette.routing import Mount, Route
from starlette.types import Scope

from rollcall.api.routes.fallthrough import fall_through

UNMATCHED: Final = "unmatched"


def template(scope: Scope) -> str:
    """Such as `/api/face/list/{person_type}`, once it was routed; UNMATCHED where no route took it."""
    route = scope.get("route")
    if isinstance(route, APIRoute):
        return route.path_format
    # Starlette's own routes, such as /docs, leave only their endpoint in the scope.
    endpoint = scope.get("endpoint")
    if endpoint is None or endpoint is fall_through or "app" not in scope:
        return UNMATCHED
    for own in scope["app"].routes:
        if (isinstance(own, Route) and own.endpoint is endpoint) or (
            isinstance(own, Mount) and own.app is endpoint
        ):
            return own.path_format
    return UNMATCHED
