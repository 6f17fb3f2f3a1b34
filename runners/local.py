"""A face reader within this process, for the command line and for tests."""

import asyncio

from rollcall.core.errors import RollcallError
from rollcall.core.faces import Reading, ReadRequest
from rollcall.core.models import LoadedModel
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

    async def load(self, model: str) -> LoadedModel:
        return await asyncio.to_thread(self._models.load, model)

    async def unload(self, model: str) -> None:
        await asyncio.to_thread(self._models.unload, model)
