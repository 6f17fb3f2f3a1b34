"""Face readers within this process, for the command line and for tests."""

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from rollcall.core.errors import RollcallError
from rollcall.core.faces import Reading, ReadRequest
from rollcall.core.models import LoadedModel
from runners.models import ModelCache

BATCH_SIZE: Final = 4  # as a server's runner has it


class LocalFaceReader:
    """core.ports.FaceReader without a runner service: no batches, no hop."""

    def __init__(self, models: ModelCache) -> None:
        self._models = models

    async def read(self, request: ReadRequest) -> Reading:
        [result] = await asyncio.to_thread(self._models.read, [request])
        if isinstance(result, RollcallError):
            raise result
        return result

    async def load(self, model: str) -> LoadedModel:
        return await asyncio.to_thread(self._models.load, model)

    async def unload(self, model: str) -> None:
        await asyncio.to_thread(self._models.unload, model)


class BatchingFaceReader(LocalFaceReader):
    """The same in batches, as many at a time as there are streams. For one event loop."""

    def __init__(self, models: ModelCache, streams: int) -> None:
        super().__init__(models)
        self._threads = ThreadPoolExecutor(streams, thread_name_prefix="reader")
        self._free = streams
        self._waiting = deque[tuple[ReadRequest, asyncio.Future[Reading]]]()

    async def read(self, request: ReadRequest) -> Reading:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Reading] = loop.create_future()
        self._waiting.append((request, answer))
        # Those that are asked for in the same moment go together.
        loop.call_soon(self._begin)
        return await answer

    def _begin(self) -> None:
        while self._free and self._waiting:
            count = min(BATCH_SIZE, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(count)]
            self._free -= 1
            loop = asyncio.get_running_loop()
            work = loop.run_in_executor(self._threads, self._models.read, [request for request, _ in batch])
            work.add_done_callback(partial(self._end, batch))

    def _end(
        self,
        batch: list[tuple[ReadRequest, "asyncio.Future[Reading]"]],
        done: "asyncio.Future[list[Reading | RollcallError]]",
    ) -> None:
        self._free += 1
        error = None if done.cancelled() else done.exception()
        results = [error] * len(batch) if error is not None or done.cancelled() else done.result()
        for (_, answer), result in zip(batch, results, strict=True):
            if answer.done():
                continue  # nobody waits for it any more
            if result is None:
                answer.cancel()
            elif isinstance(result, BaseException):
                answer.set_exception(result)
            else:
                answer.set_result(result)
        self._begin()
