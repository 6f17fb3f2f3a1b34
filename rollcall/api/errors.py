"""Errors as answers: the one status table, the one shape."""

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from rollcall.api.routes.fallthrough import refusal
from rollcall.core import errors as e

logger = logging.getLogger("rollcall.api")

STATUS: dict[type[e.RollcallError], int] = {
    e.InternalError: 500,
    e.InvalidRequest: 422,
    e.NoFaceDetected: 422,
    e.MultipleFaces: 422,
    e.LowQualityImage: 422,
    e.DuplicateEnrollment: 409,
    e.PersonNotFound: 404,
    e.InvalidImage: 400,
    e.UnsupportedImageFormat: 415,
    e.ImageTooLarge: 413,
    e.RateLimited: 429,
    e.Overloaded: 503,
    e.ModelNotLoaded: 503,
    e.RunnerAway: 503,
    e.ModelNotFound: 404,
    e.ModelUnusable: 422,
    e.ModelConflict: 409,
    e.DatabaseError: 503,
    e.StorageFull: 507,
    e.Unauthorized: 401,
    e.Forbidden: 403,
    e.NotFound: 404,
    e.MethodNotAllowed: 405,
}

DEFAULT_RETRY_AFTER_SECONDS = 1
# Of a request that nobody waits for any more: what proxies count it as. It has no error code.
HUNG_UP = 499
# Where the request's scope has the code that it was answered with.
ERROR_CODE = "rollcall.error_code"


class HungUp(Exception):
    """The caller closed the connection before its turn or while sending: nobody is there to be answered."""


class ErrorAnswer(JSONResponse):
    """Leaves the error's code in the request's scope, for who counts errors outside of all handlers."""

    def __init__(
        self, error: e.RollcallError, body: Mapping[str, object], headers: Mapping[str, str]
    ) -> None:
        super().__init__(body, status_code=STATUS[type(error)], headers=headers)
        self._code = error.code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[ERROR_CODE] = self._code
        await super().__call__(scope, receive, send)


def answer(error: e.RollcallError) -> ErrorAnswer:
    """The error as a response."""
    details = dict(error.details)
    headers: dict[str, str] = {}
    if isinstance(error, e.RateLimited | e.Overloaded):
        headers["Retry-After"] = str(details.setdefault("retry_after", DEFAULT_RETRY_AFTER_SECONDS))
    if isinstance(error, e.MethodNotAllowed):
        headers["Allow"] = ", ".join(map(str, details.get("allowed", ())))  # type: ignore[call-overload]
    if isinstance(error, e.Unauthorized):
        headers["WWW-Authenticate"] = 'Bearer realm="Rollcall"'
    body = {
        "success": False,
        "error_code": error.code,
        "message": error.message,
        "details": {"suggestion": error.suggestion, **details},
    }
    return ErrorAnswer(error, body, headers)


def invalid(error: ValidationError | RequestValidationError) -> e.InvalidRequest:
    """Pydantic's complaints as ours: which field, what is wrong with it, and never its value."""
    fields = [
        {"field": ".".join(str(part) for part in item["loc"]) or "body", "problem": item["msg"]}
        for item in error.errors()
    ]
    named = "; ".join(f"{item['field']}: {item['problem']}" for item in fields)
    return e.InvalidRequest(f"The request is not valid. {named}.", fields=fields)


def from_http(request: Request, error: HTTPException) -> e.RollcallError:
    """What Starlette itself raises, as ours."""
    if error.status_code in (404, 405):
        return refusal(request)
    return e.ImageTooLarge() if error.status_code == 413 else e.InvalidRequest()


def from_crash(error: BaseException) -> e.InternalError:
    """A fault of ours, logged by type and place: its text may quote what the caller sent."""
    logger.error("Unexpected %s", type(error).__name__, exc_info=error)
    return e.InternalError()


def install_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(e.RollcallError)
    async def ours(request: Request, error: e.RollcallError) -> JSONResponse:
        if isinstance(error, e.Overloaded):
            pace: int = request.app.state.guards.gate.retry_after_seconds
            error.details = {"retry_after": pace, **error.details}
        return answer(error)

    @app.exception_handler(RequestValidationError)
    async def not_valid(_: Request, error: RequestValidationError) -> JSONResponse:
        return answer(invalid(error))

    @app.exception_handler(HTTPException)
    async def starlettes(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code in (404, 405):
            try:
                await request.app.state.guards.rate_limit.count(request, None)
            except e.RateLimited as limited:
                return answer(limited)
        return answer(from_http(request, error))

    @app.exception_handler(HungUp)
    async def nobody(_request: Request, _error: HungUp) -> Response:
        return Response(status_code=HUNG_UP)
