"""The FastAPI app, without its parts: the service puts those into `app.state` when it starts."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware

from rollcall import __version__
from rollcall.api.access import Access
from rollcall.api.counting import CountRequests
from rollcall.api.deps import Guards
from rollcall.api.errors import install_error_handlers
from rollcall.api.middleware import LastNet, RequestId
from rollcall.api.openapi import install_openapi
from rollcall.api.routes import attendance, faces, feedback, health, metrics, models
from rollcall.api.routes.fallthrough import install_fallthrough
from rollcall.api.security import Gate, KeyCheck, RateLimit
from rollcall.core.observing import UNOBSERVED, RequestObserver
from rollcall.core.requests import Tracing, Untraced
from rollcall.core.settings import Settings

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


# FastAPI's own spans and records hold the path and the query as they were sent, and texts of exceptions.
NO_TELEMETRY: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
}


def create_app(
    settings: Settings,
    lifespan: Lifespan,
    *,
    observer: RequestObserver = UNOBSERVED,
    tracing: Tracing | None = None,
) -> FastAPI:
    """Build the app. `lifespan` sets `app.state.workflows` before it yields."""
    app = FastAPIOffline(
        title="Rollcall",
        version=__version__,
        description="Face recognition for school attendance.",
        redoc_url=None,
        lifespan=lifespan,
        telemetry=NO_TELEMETRY,
    )
    app.state.guards = Guards(
        keys=KeyCheck([key.get_secret_value() for key in settings.api_keys]),
        rate_limit=RateLimit(
            per_minute=settings.rate_limit_per_minute,
            exempt=settings.rate_limit_exempt,
            storage=settings.rate_limit_storage,
        ),
        gate=Gate(max_concurrent=settings.max_concurrent_requests, max_queued=settings.max_queued_requests),
    )
    for routes in (faces, feedback, attendance, models, health, metrics):
        app.include_router(routes.router)
    install_fallthrough(app)
    install_error_handlers(app)
    install_openapi(app)
    _add_middleware(app, settings, observer, tracing or Untraced())
    return app


def _add_middleware(app: FastAPI, settings: Settings, observer: RequestObserver, tracing: Tracing) -> None:
    """The last one added is the first to see a request."""
    app.add_middleware(LastNet)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=["X-Request-ID", "Retry-After"],
    )
    app.add_middleware(CountRequests, observer=observer)
    app.add_middleware(Access, tracing=tracing)
    app.add_middleware(RequestId)
