"""The caller's end of the hop: a deadline, one retry, and errors that say what happened."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import aiohttp
from bentoml.exceptions import BentoMLException

from rollcall.core.errors import InternalError, Overloaded, RollcallError, RunnerAway
from rollcall.core.faces import Reading, ReadRequest
from rollcall.core.models import LoadedModel
from rollcall.core.requests import Origin, Tracing, Untraced, request_id
from runners.face_runner import Envelope

logger = logging.getLogger("rollcall.runner")

T = TypeVar("T")

READ_DEADLINE_SECONDS = 30.0
# The first load of a big pack from a slow disk.
LOAD_DEADLINE_SECONDS = 120.0

# How a connection ends when the runner is killed and started anew.
BROKEN = (aiohttp.ClientError, ConnectionError)


class Runner(Protocol):
    """The runner's asynchronous proxy, as BentoML makes it."""

    async def read(self, requests: list[Any]) -> list[Any]: ...
    async def load(self, model: str) -> Any: ...
    async def unload(self, model: str) -> None: ...


class RunnerClient:
    """Implements core.ports.FaceReader over BentoML's proxy."""

    def __init__(self, runner: Callable[[], Runner], *, tracing: Tracing | None = None) -> None:
        """`runner` is asked at each call: BentoML connects the proxy only after the service was made."""
        self._runner = runner
        self._tracing = tracing or Untraced()

    async def read(self, request: ReadRequest) -> Reading:
        async def ask() -> Any:
            with self._tracing.hop() as traceparent:
                origin = Origin(request_id=request_id.get(), traceparent=traceparent)
                answers = await self._runner().read([Envelope(request, origin)])
            return answers[0].content

        return _unpack(await self._call(ask, READ_DEADLINE_SECONDS), Reading)

    async def load(self, model: str) -> LoadedModel:
        async def ask() -> Any:
            answer = await self._runner().load(model)
            return answer.content

        return _unpack(await self._call(ask, LOAD_DEADLINE_SECONDS), LoadedModel)

    async def unload(self, model: str) -> None:
        await self._call(lambda: self._runner().unload(model), READ_DEADLINE_SECONDS)

    async def _call(self, ask: Callable[[], Awaitable[T]], deadline_seconds: float) -> T:
        try:
            async with asyncio.timeout(deadline_seconds):
                try:
                    return await ask()
                except BROKEN:
                    # Inference changes nothing, so it may be asked again.
                    logger.warning("The connection to the runner broke; asking once more")
                    return await ask()
        except BROKEN as error:
            raise RunnerAway from error
        except TimeoutError as error:
            raise Overloaded("The model did not answer in time.") from error
        except BentoMLException as error:
            logger.error("The runner answered with %s", type(error).__name__)
            raise Overloaded("The model runner refused the request.") from error


def _unpack(answer: object, wanted: type[T]) -> T:
    if isinstance(answer, RollcallError):
        raise answer
    if not isinstance(answer, wanted):
        raise InternalError
    return answer
