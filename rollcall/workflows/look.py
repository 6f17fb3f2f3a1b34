"""Look at a picture without asking who it shows: where the faces are, and how good the largest is."""

from dataclasses import dataclass

from rollcall.core.faces import Quality, Reading, ReadRequest, Subjects
from rollcall.core.ports import FaceReader, Models


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """`quality` is the largest face's; None when there is no face."""

    face_count: int
    quality: Quality | None


class Look:
    """Finds and assesses faces; nothing is stored."""

    def __init__(self, *, models: Models, faces: FaceReader) -> None:
        self._models = models
        self._faces = faces

    async def detect(self, picture: bytes) -> Reading:
        return await self._faces.read(ReadRequest(picture=picture, model=self._models.active().name))

    async def assess(self, picture: bytes) -> Assessment:
        model = self._models.active().name
        reading = await self._faces.read(ReadRequest(picture=picture, model=model, assess=Subjects.LARGEST))
        if not reading.faces:
            return Assessment(face_count=0, quality=None)
        [quality] = [face.quality for face in reading.faces if face.quality is not None]
        return Assessment(face_count=len(reading.faces), quality=quality)
