"""Detecting faces and checking quality."""

from pydantic import BaseModel, Field

from rollcall.api.schemas.common import BoxOut, Picture, SchemaIn, SchemaOut, picture_field
from rollcall.core.faces import BlurLevel, Brightness, Face, FaceSize
from rollcall.workflows.look import Assessment


class PictureIn(SchemaIn):
    """Just a picture."""

    image_base64: Picture = picture_field()


class PointOut(BaseModel):
    """A point, in pixels of the upright picture."""

    x: float = Field(description="From the left.", examples=[251.7])
    y: float = Field(description="From the top.", examples=[170.2])


class FaceOut(BaseModel):
    """One found face."""

    box: BoxOut = Field(description="Where the face is.")
    score: float = Field(ge=0, le=1, description="How sure the detector is.", examples=[0.89])
    landmarks: list[PointOut] = Field(
        min_length=5,
        max_length=5,
        description="Left eye, right eye, nose, left and right corner of the mouth, as seen in the picture. "
        "From the fallback engine: two corners of each eye, and the nose.",
        examples=[[{"x": 251.7, "y": 170.2}]],
    )

    @classmethod
    def of(cls, face: Face) -> "FaceOut":
        return cls(
            box=BoxOut.of(face.box),
            score=round(face.score, 4),
            landmarks=[PointOut(x=round(float(x), 2), y=round(float(y), 2)) for x, y in face.landmarks],
        )


class DetectOut(SchemaOut):
    faces: list[FaceOut] = Field(
        description="Every face, the largest first; empty when there is none.",
        examples=[[{"box": {"x": 212.4, "y": 98.0, "width": 143.2, "height": 187.9}, "score": 0.89}]],
    )


class QualityOut(BaseModel):
    """How well the largest face is suited to be enrolled."""

    score: float = Field(ge=0, le=1, description="The quality; 0 without a face.", examples=[0.83])
    face_detected: bool = Field(description="Whether there is a face.", examples=[True])
    face_count: int = Field(description="How many faces there are.", examples=[1])
    face_size: FaceSize | None = Field(description="Null without a face.", examples=["adequate"])
    brightness: Brightness | None = Field(description="Null without a face.", examples=["good"])
    blur_level: BlurLevel | None = Field(description="Null without a face.", examples=["low"])
    recommendation: str = Field(
        description="`suitable_for_enrollment`, or what to fix.", examples=["suitable_for_enrollment"]
    )


class QualityCheckOut(SchemaOut):
    quality: QualityOut = Field(description="The assessment.")

    @classmethod
    def of(cls, assessment: Assessment) -> "QualityCheckOut":
        quality = assessment.quality
        if quality is None:
            advice = "No face was found. Use a picture with one clear, frontal face."
        else:
            advice = " ".join(quality.reasons) or "suitable_for_enrollment"
        return cls(
            quality=QualityOut(
                score=quality.score if quality else 0.0,
                face_detected=quality is not None,
                face_count=assessment.face_count,
                face_size=quality.face_size if quality else None,
                brightness=quality.brightness if quality else None,
                blur_level=quality.blur_level if quality else None,
                recommendation=advice,
            )
        )
