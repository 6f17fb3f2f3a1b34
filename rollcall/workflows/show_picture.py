"""Show the picture that a face was enrolled with."""

import asyncio
from typing import Final

from rollcall.core.database_ports import Database
from rollcall.core.errors import ImageTooLarge, InvalidImage, NotFound, UnsupportedImageFormat
from rollcall.core.ports import Pictures
from rollcall.core.records import KeptPicture

# A whole file each: a page with many thumbnails must not hold all of theirs in memory.
AT_ONCE: Final = 4
_INSTEAD: Final = "Ask without max_side for the file as it is stored, or enrol this face anew."


class ShowPicture:
    """Pictures of enrolled faces, as they are stored or small ones of them."""

    def __init__(self, *, database: Database, pictures: Pictures) -> None:
        self._database = database
        self._pictures = pictures
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def stored(self, face_id: int) -> KeptPicture:
        """The file as it is stored. Raises NotFound if there is no such face, or none with a picture."""
        kept = await self._database.run(lambda records: records.faces.picture(face_id))
        if kept is None:
            raise NotFound(
                "There is no face of this id, or its picture is not kept.",
                suggestion="GET /api/face/list/all names the ids, and whose picture is kept.",
            )
        return kept

    async def reduced(self, face_id: int, max_side: int) -> bytes:
        """A JPEG, upright, whose longer side has at most so many pixels.

        Raises:
            NotFound: there is no such face, or none with a picture.
            InvalidImage: what is stored is no picture that can be decoded.
        """
        try:
            async with self._turns:
                kept = await self.stored(face_id)
                return await self._pictures.reduced(kept.image, max_side)
        except (InvalidImage, UnsupportedImageFormat, ImageTooLarge) as error:
            # Another program's row may hold anything. The caller sent no picture, so none of his is wrong.
            raise InvalidImage(
                f"The stored picture cannot be reduced: {error.message}", suggestion=_INSTEAD
            ) from None
