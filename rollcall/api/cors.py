"""CORS_ORIGINS: which pages of other origins may call the server."""

from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from rollcall.api.errors import answer
from rollcall.core.errors import Forbidden

_SUGGESTION: Final = "Add the page's origin to CORS_ORIGINS; the methods are GET, POST and DELETE."


class Cors(CORSMiddleware):
    """Starlette's, which refuses preflights in plain text; this one does it in the shape of all errors."""

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code == 200:
            return response
        refused = answer(
            Forbidden("A page of this origin may not ask this of the server.", suggestion=_SUGGESTION)
        )
        refused.headers["Vary"] = "Origin"
        return refused
