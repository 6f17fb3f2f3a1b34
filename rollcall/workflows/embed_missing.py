"""Give faces the active model's embedding: after a switch, a download or a restored backup."""

import asyncio
import logging

from rollcall.core.database_ports import Database
from rollcall.core.errors import InternalError, ModelNotLoaded, Overloaded, RollcallError
from rollcall.core.faces import Reading, ReadRequest, Subjects
from rollcall.core.ports import FaceReader, Models
from rollcall.core.records import StoredImage

logger = logging.getLogger("rollcall.embed_missing")

# Few at a time: people who wait in front of a camera go first.
IMAGES_A_ROUND = 4
PAUSE_AFTER_FAULT_SECONDS = 5.0


class EmbedMissing:
    """One rule for all cases: a face that lacks the active model's embedding and has an image gets it."""

    def __init__(self, *, models: Models, faces: FaceReader, database: Database) -> None:
        self._models = models
        self._faces = faces
        self._database = database

    async def round(self) -> int:
        """Embed a few faces; returns how many were tried, so 0 when none is left.

        Raises:
            ModelNotLoaded, Overloaded, DatabaseError: try again later.
        """
        model = self._models.active().name
        images = await self._database.run(lambda records: records.faces.images_lacking(model, IMAGES_A_ROUND))
        for image in images:
            await self._embed(image, model)
        return len(images)

    async def _embed(self, image: StoredImage, model: str) -> None:
        request = ReadRequest(picture=image.image, model=model, embed=Subjects.LARGEST)
        try:
            reading = await self._read_twice(request)
        except (ModelNotLoaded, Overloaded):
            raise
        except RollcallError as error:
            await self._note(image, model, error.code)
            return
        vector = next((face.embedding for face in reading.faces if face.embedding is not None), None)
        if vector is None:
            await self._note(image, model, "NO_FACE_DETECTED")
            return

        await self._database.run(
            lambda records: records.faces.add_embedding(image.face_id, model, vector, image.image)
        )

    async def _read_twice(self, request: ReadRequest) -> Reading:
        """A fault of the moment, such as too little memory, must not mark a face as unreadable for good."""
        try:
            return await self._faces.read(request)
        except InternalError:
            await asyncio.sleep(PAUSE_AFTER_FAULT_SECONDS)
            return await self._faces.read(request)

    async def _note(self, image: StoredImage, model: str, problem: str) -> None:
        logger.warning("Face %d cannot be read by %s: %s", image.face_id, model, problem)
        await self._database.run(
            lambda records: records.faces.note_unreadable(image.face_id, model, problem, image.image)
        )
