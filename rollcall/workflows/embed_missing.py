"""Give faces the embeddings that they lack: after a switch, a download or a restored backup."""

import asyncio
import logging
import time
import zlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final

from rollcall.core.database_ports import Database, Records
from rollcall.core.errors import InternalError, ModelNotLoaded, Overloaded, RollcallError
from rollcall.core.faces import Reading, ReadRequest, Subjects
from rollcall.core.ports import FaceReader
from rollcall.core.records import FurtherEmbedding, StoredImage
from rollcall.workflows.pacing import QUIET_WIDTH, Pace

logger = logging.getLogger("rollcall.embed_missing")

# Pictures read from the database at once; each may have 10 MB.
IMAGES_A_PAGE: Final = 8
# Stored at once; one transaction for each would cost as much as the network.
FACES_A_WRITE: Final = 32
SECONDS_A_WRITE: Final = 2.0
PAUSE_AFTER_FAULT_SECONDS: Final = 5.0

Told = Callable[[int], Awaitable[None]]


async def _nobody_asks(_tried: int) -> None:
    pass


class EmbedMissing:
    """One rule for all cases: a face that lacks a wanted model's embedding and has an image gets it.

    What is stored is not done again, so it may be broken off at any moment.
    """

    def __init__(
        self,
        *,
        faces: FaceReader,
        database: Database,
        pace: Pace,
        pause_after_fault: float = PAUSE_AFTER_FAULT_SECONDS,
    ) -> None:
        """`pause_after_fault`: seconds until a picture is read once more after a fault of the server."""
        self._faces = faces
        self._database = database
        self._pace = pace
        self._pause_after_fault = pause_after_fault
        self._reading = 0

    @property
    def busy(self) -> bool:
        """Whether a face is being read, or waits for its turn."""
        return self._reading > 0

    async def all(self, model: str, told: Told = _nobody_asks) -> int:
        """Go through all faces once; returns how many were tried.

        `told` is awaited after each write, with how many have been tried so far.

        Raises:
            ModelNotLoaded, Overloaded, DatabaseError: try again later; what was read by then is stored.
        """
        tried, read, written = 0, list[FurtherEmbedding](), time.monotonic()
        try:
            async with aclosing(self._read_all(model)) as stream:
                async for one in stream:
                    read.append(one)
                    if len(read) >= FACES_A_WRITE or time.monotonic() - written >= SECONDS_A_WRITE:
                        tried, batch = tried + len(read), read
                        read, written = [], time.monotonic()
                        await self._store(model, batch)
                        await told(tried)
        finally:
            if read:
                await self._store(model, read)
        if read:
            await told(tried + len(read))
        return tried + len(read)

    async def _read_all(self, model: str) -> AsyncGenerator[FurtherEmbedding, None]:
        """In the order of their Ids, several at a time."""
        window = deque[asyncio.Task[FurtherEmbedding]]()
        try:
            async for image in self._images(model):
                window.append(asyncio.create_task(self._embed(image, model)))
                if len(window) >= QUIET_WIDTH:
                    yield await window.popleft()
            while window:
                yield await window.popleft()
        finally:
            for task in window:
                task.cancel()
            await asyncio.gather(*window, return_exceptions=True)

    async def _images(self, model: str) -> AsyncIterator[StoredImage]:
        images: Sequence[StoredImage] = ()
        after = 0
        while images := await self._database.run(partial(_page, model, after)):
            for image in images:
                yield image
            after = images[-1].face_id

    async def _embed(self, image: StoredImage, model: str) -> FurtherEmbedding:
        request = ReadRequest(picture=image.image, model=model, embed=Subjects.LARGEST)
        self._reading += 1
        try:
            reading = await self._read_twice(request)
        except (ModelNotLoaded, Overloaded):
            raise
        except RollcallError as error:
            return _problem(image, model, error.code)
        finally:
            self._reading -= 1
        vector = next((face.embedding for face in reading.faces if face.embedding is not None), None)
        if vector is None:
            return _problem(image, model, "NO_FACE_DETECTED")
        return FurtherEmbedding(face_id=image.face_id, image_crc32=zlib.crc32(image.image), vector=vector)

    async def _read_twice(self, request: ReadRequest) -> Reading:
        """A fault of the moment, such as too little memory, must not mark a face as unreadable for good."""
        try:
            return await self._read(request)
        except InternalError:
            await asyncio.sleep(self._pause_after_fault)
            return await self._read(request)

    async def _read(self, request: ReadRequest) -> Reading:
        async with self._pace.turn():
            return await self._faces.read(request)

    async def _store(self, model: str, read: Sequence[FurtherEmbedding]) -> None:
        await self._database.run(lambda records: records.faces.add_further(model, read))


def _page(model: str, after: int, records: Records) -> Sequence[StoredImage]:
    return records.faces.images_lacking(model, IMAGES_A_PAGE, after)


def _problem(image: StoredImage, model: str, code: str) -> FurtherEmbedding:
    logger.warning("Face %d cannot be read by %s: %s", image.face_id, model, code)
    return FurtherEmbedding(face_id=image.face_id, image_crc32=zlib.crc32(image.image), problem=code)
