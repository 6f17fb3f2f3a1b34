"""The FastAPI app, without its parts: the service puts those into `app.state` when it starts."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from fastapi_offline import FastAPIOffline

from rollcall import __version__
from rollcall.api.access import Access
from rollcall.api.answer_headers import AnswerHeaders
from rollcall.api.body_budget import BodyBudget
from rollcall.api.console import install_console
from rollcall.api.cors import Cors
from rollcall.api.counting import CountRequests
from rollcall.api.deadlines import Deadline
from rollcall.api.deps import Guards
from rollcall.api.docs_page import install_docs
from rollcall.api.errors import install_error_handlers
from rollcall.api.middleware import LastNet, RequestId
from rollcall.api.openapi import install_openapi, operation_id
from rollcall.api.rate_limit import RATE_LIMIT_HEADERS, RateLimit
from rollcall.api.routes import (
    attendance,
    face_images,
    faces,
    feedback,
    health,
    jobs,
    metrics,
    models,
    people,
    statistics,
)
from rollcall.api.routes.fallthrough import install_fallthrough
from rollcall.api.security import Gate, KeyCheck
from rollcall.api.unread import CloseUnread
from rollcall.api.uploads import UploadPlaces
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
        docs_url=None,
        redoc_url=None,
        lifespan=_guarded(lifespan),
        telemetry=NO_TELEMETRY,
        generate_unique_id_function=operation_id,
    )
    app.state.guards = Guards(
        keys=KeyCheck(settings.api_keys),
        rate_limit=RateLimit(
            per_minute=settings.rate_limit_per_minute,
            exempt=settings.rate_limit_exempt,
            storage=settings.rate_limit_storage,
        ),
        gate=Gate(max_concurrent=settings.max_concurrent_requests, max_queued=settings.max_queued_requests),
        bodies=BodyBudget(),
        deadline=Deadline(settings.request_timeout_seconds, max_upload_bytes=settings.max_import_mb * 2**20),
    )
    app.state.upload_places = UploadPlaces()
    install_docs(app)
    for routes in (
        faces,
        face_images,
        feedback,
        attendance,
        people,
        models,
        jobs,
        statistics,
        health,
        metrics,
    ):
        app.include_router(routes.router)
    install_console(app)
    install_fallthrough(app)
    install_error_handlers(app)
    install_openapi(app)
    _add_middleware(app, settings, observer, tracing or Untraced())
    return app


def _guarded(lifespan: Lifespan) -> Lifespan:
    """With what the guards do at the start and at the end."""

    @asynccontextmanager
    async def guarded(app: FastAPI) -> AsyncIterator[None]:
        guards: Guards = app.state.guards
        guards.keys.warn_if_open()
        try:
            async with lifespan(app):
                yield
        finally:
            await guards.rate_limit.close()

    return guarded


def _add_middleware(app: FastAPI, settings: Settings, observer: RequestObserver, tracing: Tracing) -> None:
    """The last one added is the first to see a request."""
    app.add_middleware(LastNet)
    app.add_middleware(
        Cors,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=["X-Request-ID", "Retry-After", *RATE_LIMIT_HEADERS],
    )
    app.add_middleware(CountRequests, observer=observer)
    app.add_middleware(Access, tracing=tracing)
    app.add_middleware(RequestId)
    app.add_middleware(AnswerHeaders, tls=settings.tls_cert_file is not None)
    app.add_middleware(CloseUnread)
