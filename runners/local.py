"""A face reader within this process, for the command line and for tests."""

import asyncio

from rollcall.core.errors import RollcallError
from rollcall.core.faces import Reading, ReadRequest
from runners.models import ModelCache


class LocalFaceReader:
    """core.ports.FaceReader without a runner service: no batches, no hop."""

    def __init__(self, models: ModelCache) -> None:
        self._models = models

    async def read(self, request: ReadRequest) -> Reading:
        [result] = await asyncio.to_thread(self._models.read, [request])
        if isinstance(result, RollcallError):
            raise result
        return result

    async def load(self, model: str) -> str:
        engine = await asyncio.to_thread(self._models.engine, model)
        return engine.backend
