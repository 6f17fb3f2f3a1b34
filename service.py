"""The two BentoML services: FaceAPI answers HTTP, FaceRunner reads pictures in batches."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import bentoml
from fastapi import FastAPI

from rollcall import compose
from rollcall.api.app import create_app
from rollcall.core.errors import DatabaseError
from rollcall.core.settings import Settings, WrongSettings, load_settings
from rollcall.draining import install_draining
from rollcall.logs import configure_logs
from rollcall.serving import serving
from runners.backends import streams_of
from runners.bento_guards import (
    KEEP_CONNECTION,
    forget_queueing,
    run_batches_side_by_side,
    skip_training,
    watch_dispatchers,
)
from runners.client import RunnerClient
from runners.face_runner import BatchingRunner

# Our own limits end every request long before BentoML would, whose answer is not in the contract's shape.
NEVER_CUT_OFF = {"timeout": 3600}
# OpenBLAS would compare a probe with the gallery on all cores, to save a fraction of a millisecond, and then
# keep them spinning for 30 ms, which the networks need.
ONE_BLAS_THREAD = [{"name": "OPENBLAS_NUM_THREADS", "value": "1"}]


def settings_or_exit() -> Settings:
    try:
        settings = load_settings()
        compose.check_database(settings)
    except (WrongSettings, DatabaseError) as error:
        sys.exit(str(error))
    return settings


settings = settings_or_exit()
configure_logs(settings.log_level)
install_draining()
watch_dispatchers()
forget_queueing()
skip_training()
streams = streams_of(compose.cores(settings))
run_batches_side_by_side(streams)
# uvicorn, which BentoML starts after this file is read, believes X-Forwarded-For of these alone.
os.environ["FORWARDED_ALLOW_IPS"] = ",".join(str(network) for network in settings.trusted_proxies) or "none"


@bentoml.service(
    name="FaceRunner",
    workers=1,
    threads=streams,
    envs=ONE_BLAS_THREAD,
    traffic=NEVER_CUT_OFF,
    runner_connection=KEEP_CONNECTION,
    logging={"access": {"enabled": False}},
)
class FaceRunner(BatchingRunner):
    """Pictures in, faces out."""

    def __init__(self) -> None:
        super().__init__(compose.model_cache(settings))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with serving(app, settings, app.state.face_reader):
        yield


app = create_app(settings, lifespan)


@bentoml.service(
    name="FaceAPI",
    workers=1,
    envs=ONE_BLAS_THREAD,
    traffic=NEVER_CUT_OFF,
    http={"host": settings.host, "port": settings.port},
    # Its metrics have a label of unbounded size, the raw path.
    metrics={"enabled": False},
)
@bentoml.asgi_app(app, path="/")
class FaceAPI:
    """The HTTP API."""

    runner = bentoml.depends(FaceRunner)

    def __init__(self) -> None:
        app.state.face_reader = RunnerClient(lambda: self.runner.to_async)
