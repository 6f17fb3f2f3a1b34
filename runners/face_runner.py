"""The runner's side of the hop: batches of requests in, one result for each out."""

import asyncio
import logging
import time
from typing import Any

import bentoml

from rollcall.core.errors import RollcallError
from rollcall.core.observing import Observer
from rollcall.core.requests import NO_REQUEST, Origin, Tracing, request_id
from runners.bento_guards import remembered_wait_seconds
from runners.models import ModelCache

logger = logging.getLogger("rollcall.runner")

# Four crops in one run take 3/4 of the time of four runs; more gain little, and the first waits for the last.
MAX_BATCH_SIZE = 4
# BentoML answers 503 to requests that it expects to take longer; our own limits and deadlines come first.
SHED_AFTER_MS = 3_600_000


class Envelope:
    """Carries one value over the hop as it is, and whose it is.

    BentoML sends what Pydantic makes of an argument. Pydantic takes dataclasses apart into dicts, but leaves
    a class that it does not know alone.
    """

    __slots__ = ("content", "origin")

    def __init__(self, content: object, origin: Origin | None = None) -> None:
        self.content = content
        self.origin = origin


class BatchingRunner:
    """Reads pictures in adaptive batches.

    An exception does not cross the hop, and would fail its whole batch: errors travel in the envelopes.
    """

    def __init__(self, models: ModelCache, *, observer: Observer, tracing: Tracing) -> None:
        self._models = models
        self._observer = observer
        self._tracing = tracing

    @bentoml.api(batchable=True, max_batch_size=MAX_BATCH_SIZE, max_latency_ms=SHED_AFTER_MS)
    def read(self, requests: list[Any]) -> list[Any]:
        """ReadRequests in envelopes → Readings or RollcallErrors in envelopes, in the same order."""
        self._observer.batch(len(requests))
        origins = [request.origin for request in requests if request.origin is not None]
        began = time.perf_counter()
        # This thread's context is a copy, made for this batch.
        request_id.set(_ids(origins))
        with self._tracing.batch([origin.traceparent for origin in origins if origin.traceparent]):
            answers = self._models.read([request.content for request in requests])
            milliseconds = (time.perf_counter() - began) * 1000
            logger.debug("A batch of %d is read in %.0f ms", len(requests), milliseconds)
        return [Envelope(answer) for answer in answers]

    @bentoml.api
    async def load(self, model: str) -> Any:
        """Load a model and warm it up; the LoadedModel, or the RollcallError, in an envelope.

        A loaded model is named at once, whatever the streams are busy with.
        """
        try:
            return Envelope(self._models.loaded(model) or await asyncio.to_thread(self._models.load, model))
        except RollcallError as error:
            return Envelope(error)

    @bentoml.api
    async def unload(self, model: str) -> None:
        """Free a model's memory."""
        await asyncio.to_thread(self._models.unload, model)

    @bentoml.api
    def dispatcher_wait(self) -> float:
        """Seconds for which the dispatcher would hold a lone request back; -1 if that is not known."""
        wait = remembered_wait_seconds()
        return -1.0 if wait is None else wait


def _ids(origins: list[Origin]) -> str:
    """The ids of a batch's requests, for its log lines; background work has none."""
    known = dict.fromkeys(origin.request_id for origin in origins if origin.request_id != NO_REQUEST)
    return ",".join(known) or NO_REQUEST
