"""Readers of pictures that a test can hold, and some of pictures that are plain bytes."""

import asyncio
from collections.abc import Callable

import numpy as np

from rollcall.core.errors import RollcallError
from rollcall.core.faces import Box, Embedding, Face, Reading, ReadRequest
from rollcall.core.models import LoadedModel
from rollcall.core.ports import FaceReader


def face_of(embedding: Embedding | None) -> Face:
    return Face(
        box=Box(x=0, y=0, width=10, height=10),
        score=1.0,
        landmarks=np.zeros((5, 2), dtype=np.float32),
        embedding=embedding,
    )


def reading_of(*faces: Face) -> Reading:
    return Reading(content_type="image/jpeg", width=10, height=10, faces=faces)


class ScriptedReader:
    """core.ports.FaceReader that answers as `answer` says: what a picture shows, or an error to raise.

    Pictures in `held` are read as soon as they are taken out. `read_so_far` has what was begun, in order.
    """

    def __init__(self, answer: Callable[[bytes], Reading | RollcallError]) -> None:
        self.answer = answer
        self.held: set[bytes] = set()
        self.read_so_far: list[bytes] = []
        self.inside = 0

    async def read(self, request: ReadRequest) -> Reading:
        self.read_so_far.append(request.picture)
        self.inside += 1
        try:
            # So that they do not end in the order in which they began.
            for _ in range(len(self.read_so_far) % 5):
                await asyncio.sleep(0)
            while request.picture in self.held:
                await asyncio.sleep(0.005)
        finally:
            self.inside -= 1
        found = self.answer(request.picture)
        if isinstance(found, RollcallError):
            raise found
        return found

    async def load(self, model: str) -> LoadedModel:
        return LoadedModel(name=model, backend="none", dimension=8)

    async def unload(self, model: str) -> None:
        pass


class HeldReader:
    """core.ports.FaceReader that reads nothing with one model until it is let."""

    def __init__(self, reader: FaceReader, model: str) -> None:
        self._reader = reader
        self._model = model
        self.let = asyncio.Event()
        self.reading = asyncio.Event()

    async def read(self, request: ReadRequest) -> Reading:
        if request.model == self._model:
            self.reading.set()
            await self.let.wait()
        return await self._reader.read(request)

    async def load(self, model: str) -> LoadedModel:
        return await self._reader.load(model)

    async def unload(self, model: str) -> None:
        await self._reader.unload(model)


async def until(condition: Callable[[], bool], limit: float = 30.0) -> None:
    async with asyncio.timeout(limit):
        while not condition():
            await asyncio.sleep(0.005)
