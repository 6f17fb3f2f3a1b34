"""The two BentoML services: FaceAPI answers HTTP, FaceRunner reads pictures in batches."""

import asyncio
import atexit
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import bentoml
from fastapi import FastAPI

from rollcall import __version__, compose
from rollcall.api.addresses import trusted_hosts
from rollcall.api.answer_headers import AnswerHeaders, NotTold
from rollcall.api.app import create_app
from rollcall.api.tls import check_tls, service_options
from rollcall.core.errors import DatabaseError
from rollcall.core.requests import Tracing, Untraced
from rollcall.core.settings import Settings, WrongSettings, load_settings
from rollcall.draining import install_draining
from rollcall.metrics_folder import install_metrics_folder
from rollcall.serving import serving
from rollcall.telemetry.logs import Process, configure_server_logs, line_about
from rollcall.telemetry.observer import OBSERVER
from rollcall.telemetry.plain_lines import PlainLines
from rollcall.telemetry.traces import Traces
from runners.backends import streams_of
from runners.bento_guards import (
    KEEP_CONNECTION,
    forget_queueing,
    let_requests_go,
    run_batches_side_by_side,
    skip_training,
    watch_dispatchers,
    watch_queue,
)
from runners.client import RunnerClient
from runners.face_runner import BatchingRunner

if TYPE_CHECKING:
    from _bentoml_sdk.service.config import TracingSchema

# Our own limits end every request long before BentoML would, whose answer is not in the contract's shape.
NEVER_CUT_OFF = {"timeout": 3600}
# BentoML's own spans go nowhere, put ids of no trace into log lines, and cost 0.15 ms a request.
NO_SPANS: "Final[TracingSchema]" = {"excluded_urls": ".*"}
# OpenBLAS would compare a probe with the gallery on all cores, to save a fraction of a millisecond, and then
# keep them spinning for 30 ms, which the networks need.
ONE_BLAS_THREAD = [{"name": "OPENBLAS_NUM_THREADS", "value": "1"}]


def settings_or_exit() -> Settings:
    try:
        settings = load_settings()
        compose.check_database(settings)
        if bentoml.server_context.worker_index is None:
            # Not in a process that starts anew while the server runs, perhaps after the certificate's end.
            check_tls(settings)
    except (WrongSettings, DatabaseError) as error:
        sys.exit(str(error))
    return settings


def process_of(arguments: list[str]) -> Process | None:
    """Which of a server's processes reads this file; None for another program, such as `bentoml build`."""
    if "--worker-id" in arguments:
        return "runner" if "FaceRunner" in arguments else "api"
    return "supervisor" if "serve" in arguments else None


def traces_or_none(settings: Settings, process: Process | None) -> Traces | None:
    if process not in ("api", "runner") or settings.traces_endpoint is None:
        return None
    return Traces(endpoint=settings.traces_endpoint, process=process, version=__version__)


settings = settings_or_exit()
process = process_of(sys.argv)
if process is not None:
    configure_server_logs(settings.log_level, settings.log_format, process)
if process == "supervisor":
    install_metrics_folder()
    if settings.log_format == "json":
        atexit.register(PlainLines(line_about).end)
traces = traces_or_none(settings, process)
tracing: Tracing = traces or Untraced()
install_draining()
watch_dispatchers()
forget_queueing()
let_requests_go()
skip_training()
watch_queue(OBSERVER.runner_queue)
streams = streams_of(compose.cores(settings))
run_batches_side_by_side(streams)
# uvicorn, which BentoML starts after this file is read, believes X-Forwarded-For of these alone.
os.environ["FORWARDED_ALLOW_IPS"] = ",".join(trusted_hosts(settings.trusted_proxies))


@bentoml.service(
    name="FaceRunner",
    workers=1,
    threads=streams,
    envs=ONE_BLAS_THREAD,
    traffic=NEVER_CUT_OFF,
    runner_connection=KEEP_CONNECTION,
    logging={"access": {"enabled": False}},
    tracing=NO_SPANS,
    # Ours of both processes are at the API's /metrics.
    metrics={"enabled": False},
)
class FaceRunner(BatchingRunner):
    """Pictures in, faces out."""

    def __init__(self) -> None:
        super().__init__(compose.model_cache(settings, OBSERVER), observer=OBSERVER, tracing=tracing)

    @bentoml.on_shutdown
    def end(self) -> None:
        """Lose no span."""
        if traces is not None:
            traces.end()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    try:
        async with serving(app, settings, app.state.face_reader):
            yield
    finally:
        if traces is not None:
            await asyncio.to_thread(traces.end)


app = create_app(settings, lifespan, observer=OBSERVER, tracing=tracing)


@bentoml.service(
    name="FaceAPI",
    workers=1,
    envs=ONE_BLAS_THREAD,
    traffic=NEVER_CUT_OFF,
    http={"host": settings.host, "port": settings.port},
    ssl=service_options(settings),
    # Its metrics have a label of unbounded size, the raw path.
    metrics={"enabled": False},
    # Its access log holds it as well.
    logging={"access": {"enabled": False}},
    tracing=NO_SPANS,
)
@bentoml.asgi_app(app, path="/")
class FaceAPI:
    """The HTTP API."""

    runner = bentoml.depends(FaceRunner)

    def __init__(self) -> None:
        app.state.face_reader = RunnerClient(lambda: self.runner.to_async, tracing=tracing)


# BentoML's own /livez, /readyz, /healthz and /schema.json lie before the app.
FaceAPI.add_asgi_middleware(NotTold, ours=app)  # type: ignore[attr-defined]
FaceAPI.add_asgi_middleware(  # type: ignore[attr-defined]
    AnswerHeaders, tls=settings.tls_cert_file is not None
)
