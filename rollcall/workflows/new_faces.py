"""From a picture to a face that may be enrolled."""

from dataclasses import dataclass

from rollcall.core.errors import LowQualityImage
from rollcall.core.faces import MIN_QUALITY, Quality, ReadRequest, Subjects
from rollcall.core.people import PersonKey
from rollcall.core.ports import FaceReader, ModelFiles, Models
from rollcall.core.records import NewFace
from rollcall.workflows.probes import FacePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFace:
    """A face that is good enough to be enrolled, and the warnings to tell with it."""

    face: NewFace
    warnings: tuple[str, ...]


class NewFaces:
    """Every way of enrolling comes through here."""

    def __init__(
        self,
        *,
        models: Models,
        files: ModelFiles,
        faces: FaceReader,
        policy: FacePolicy,
        check_quality: bool,
    ) -> None:
        self._models = models
        self._files = files
        self._faces = faces
        self._policy = policy
        self._check_quality = check_quality

    async def read(self, person: PersonKey, picture: bytes, original_name: str | None) -> ReadFace:
        """The picture's largest face.

        Raises:
            NoFaceDetected, MultipleFaces, LowQualityImage: the picture will not do.
            DatabaseError: it cannot be told yet whether the model is the one of its name.
            As core.ports.FaceReader.
        """
        model = self._models.active()
        if not model.checked:
            # What another recogniser than the name's makes must not be stored under it.
            await self._files.ensure(model.name)
        assess = Subjects.LARGEST if self._check_quality else Subjects.NONE
        reading = await self._faces.read(
            ReadRequest(picture=picture, model=model.name, embed=Subjects.LARGEST, assess=assess)
        )
        warnings = self._policy.check(len(reading.faces))
        for quality in (face.quality for face in reading.faces if face.quality is not None):
            require_quality(quality)
        embedded = [face.embedding for face in reading.faces if face.embedding is not None]
        face = NewFace(
            person=person,
            model=model.name,
            embedding=self._policy.pick(embedded),
            image=picture,
            content_type=reading.content_type,
            original_name=original_name,
        )
        return ReadFace(face=face, warnings=warnings)


def require_quality(quality: Quality) -> None:
    """Raises LowQualityImage, with the reasons, for a face that must not be enrolled."""
    if quality.score < MIN_QUALITY:
        raise LowQualityImage(
            " ".join(quality.reasons), reasons=list(quality.reasons), score=round(quality.score, 3)
        )
