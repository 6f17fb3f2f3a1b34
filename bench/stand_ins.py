"""What takes the place of parts that the bench of the layers leaves or takes out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rollcall.core.faces import Reading, ReadRequest
from rollcall.core.figures import Turns
from rollcall.core.models import LoadedModel
from rollcall.core.observing import Observer, Step
from rollcall.core.ports import FaceReader


class CannedReader:
    """core.ports.FaceReader that always sees the same, and tells of the steps as the runner does."""

    def __init__(self, real: FaceReader, reading: Reading, observer: Observer) -> None:
        self._real, self._reading, self._observer = real, reading, observer

    async def read(self, request: ReadRequest) -> Reading:  # noqa: ARG002
        self._observer.runner_queue(1)
        self._observer.runner_queue(0)
        self._observer.batch(1)
        for step in (Step.DECODE, Step.DETECT, Step.ALIGN, Step.EMBED):
            with self._observer.step(step):
                pass
        return self._reading

    async def load(self, model: str) -> LoadedModel:
        return await self._real.load(model)

    async def unload(self, model: str) -> None:
        await self._real.unload(model)


class FreeGate:
    """In place of api.security.Gate: lets everybody through."""

    turns = Turns(working=0, waiting=0)

    def refuse_if_full(self) -> None:
        pass

    @asynccontextmanager
    async def turn(self, *_: object) -> AsyncIterator[None]:
        yield


class NoDeadline:
    """In place of api.deadlines.Deadline."""

    @asynccontextmanager
    async def of(self, *_: object) -> AsyncIterator[None]:
        yield
