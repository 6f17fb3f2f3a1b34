"""The real app on a real port, within the test's process: quick to start with any settings."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType

import httpx
import uvicorn
from fastapi import FastAPI

from rollcall.api.addresses import trusted_hosts
from rollcall.api.app import create_app
from rollcall.core.ports import FaceReader
from rollcall.core.settings import Settings
from rollcall.serving import serving
from rollcall.telemetry.observer import OBSERVER
from tests.servers import ANSWER_LIMIT_SECONDS, free_port, wait_for


class LiveApp:
    """`with LiveApp(settings, reader) as app:` — only BentoML's hop is left out."""

    def __init__(self, settings: Settings, reader: FaceReader) -> None:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            async with serving(app, settings, reader):
                yield

        port = free_port()
        self.app = create_app(settings, lifespan, observer=OBSERVER)
        config = uvicorn.Config(
            self.app,
            host="127.0.0.1",
            port=port,
            log_config=None,
            forwarded_allow_ips=trusted_hosts(settings.trusted_proxies),
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=ANSWER_LIMIT_SECONDS)

    def __enter__(self) -> httpx.Client:
        self._thread.start()
        wait_for(self._is_ready, "a healthy app")
        return self.client

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self._server.should_exit = True
        self._thread.join(ANSWER_LIMIT_SECONDS)

    def _is_ready(self) -> bool:
        try:
            return bool(self.client.get("/api/health").json().get("status") == "healthy")
        except httpx.TransportError:
            return False
