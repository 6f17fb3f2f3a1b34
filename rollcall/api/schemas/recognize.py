"""Recognising and verifying."""

from pydantic import BaseModel, Field, model_validator

from rollcall.api.schemas.common import (
    AnsweringModel,
    BoxOut,
    Code,
    Confidence,
    Milliseconds,
    ModelName,
    Picture,
    RecognitionId,
    SchemaIn,
    SchemaOut,
    Similarity,
    Threshold,
    TypeOfPerson,
    Warnings,
    picture_field,
)
from rollcall.core.people import PersonKey, PersonType
from rollcall.workflows.recognize import (
    MAX_CANDIDATES,
    GroupRecognition,
    Named,
    Recognition,
    RecognizedFace,
    Sighting,
)
from rollcall.workflows.verify import Verification


class RecognizeIn(SchemaIn):
    image_base64: Picture = picture_field()
    person_type: PersonType | None = Field(
        default=None, description="Look among students or teachers only.", examples=["student"]
    )
    similarity_threshold: Threshold = None
    source_image_name: str | None = Field(
        default=None, max_length=255, description="Kept in FaceRecognitionLogs.", examples=["gate-1.jpg"]
    )
    top_k: int = Field(
        default=1,
        ge=1,
        le=MAX_CANDIDATES,
        description="With more than 1, also answer the nearest so many persons as `candidates`.",
        examples=[1],
    )

    def sighting(self) -> Sighting:
        return Sighting(
            picture=self.image_base64,
            only=self.person_type,
            min_similarity=self.similarity_threshold,
            source_image_name=self.source_image_name,
            top_k=self.top_k,
        )


class MatchOut(BaseModel):
    """A person of the gallery."""

    person_type: TypeOfPerson
    person_code: Code
    person_name: str = Field(
        description="From Student or Teacher; empty if there is no such row.", examples=["Ada Lovelace"]
    )
    confidence: Confidence
    similarity_score: Similarity
    model: ModelName

    @classmethod
    def of(cls, named: Named) -> "MatchOut":
        match = named.match
        return cls(
            person_type=match.person.type,
            person_code=match.person.code,
            person_name=named.name,
            confidence=round(match.confidence, 6),
            similarity_score=round(match.similarity, 6),
            model=match.model,
        )


_MATCH_EXAMPLE = {
    "person_type": "student",
    "person_code": "S001",
    "person_name": "Ada Lovelace",
    "confidence": 0.998,
    "similarity_score": 0.71,
    "model": "buffalo_l",
}


def _candidates(named: list[Named], top_k: int) -> list[MatchOut] | None:
    return [MatchOut.of(item) for item in named[:top_k]] if top_k > 1 else None


class RecognizeOut(SchemaOut):
    recognition_id: RecognitionId
    match: MatchOut | None = Field(
        description="The person, or null when nobody is like enough.", examples=[_MATCH_EXAMPLE]
    )
    candidates: list[MatchOut] | None = Field(
        default=None,
        description="Only with top_k > 1: the nearest persons, the likest first, like enough or not.",
        examples=[[_MATCH_EXAMPLE]],
    )
    warnings: Warnings
    model: AnsweringModel
    processing_time_ms: Milliseconds

    @classmethod
    def of(cls, recognition: Recognition, top_k: int) -> "RecognizeOut":
        return cls(
            recognition_id=recognition.recognition_id,
            match=MatchOut.of(recognition.match) if recognition.match else None,
            candidates=_candidates(list(recognition.candidates), top_k),
            warnings=list(recognition.warnings),
            model=recognition.model,
            processing_time_ms=recognition.processing_time_ms,
        )


class RecognizedFaceOut(BaseModel):
    """One face of the picture."""

    box: BoxOut = Field(description="Where the face is.")
    match: MatchOut | None = Field(
        description="The person, or null when nobody is like enough.", examples=[_MATCH_EXAMPLE]
    )
    candidates: list[MatchOut] | None = Field(
        default=None,
        description="Only with top_k > 1: the nearest persons, the likest first, like enough or not.",
        examples=[[_MATCH_EXAMPLE]],
    )

    @classmethod
    def of(cls, face: RecognizedFace, top_k: int) -> "RecognizedFaceOut":
        return cls(
            box=BoxOut.of(face.box),
            match=MatchOut.of(face.match) if face.match else None,
            candidates=_candidates(list(face.candidates), top_k),
        )


class RecognizeAllOut(SchemaOut):
    recognition_id: RecognitionId
    faces: list[RecognizedFaceOut] = Field(
        description="Every face, the largest first; empty when there is none. No person is named twice.",
        examples=[
            [{"box": {"x": 212.4, "y": 98.0, "width": 143.2, "height": 187.9}, "match": _MATCH_EXAMPLE}]
        ],
    )
    model: AnsweringModel
    processing_time_ms: Milliseconds

    @classmethod
    def of(cls, group: GroupRecognition, top_k: int) -> "RecognizeAllOut":
        return cls(
            recognition_id=group.recognition_id,
            faces=[RecognizedFaceOut.of(face, top_k) for face in group.faces],
            model=group.model,
            processing_time_ms=group.processing_time_ms,
        )


class VerifyIn(SchemaIn):
    """Either two pictures, or one picture and a person."""

    image1_base64: Picture | None = picture_field("The first of two pictures", required=False)
    image2_base64: Picture | None = picture_field("The second of two pictures", required=False)
    image_base64: Picture | None = picture_field("The picture to compare with a person", required=False)
    person_type: PersonType | None = Field(
        default=None, description="Type of the person to compare with.", examples=["student"]
    )
    person_code: str | None = Field(
        default=None, description="Code of the person to compare with.", examples=["S001"]
    )
    similarity_threshold: Threshold = None

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> "VerifyIn":
        pictures = (self.image1_base64, self.image2_base64)
        person = (self.image_base64, self.person_type, self.person_code)
        two = all(part is not None for part in pictures) and all(part is None for part in person)
        one = all(part is not None for part in person) and all(part is None for part in pictures)
        if not (two or one):
            raise ValueError(
                "send image1_base64 and image2_base64, or image_base64, person_type and person_code"
            )
        return self

    def person(self) -> PersonKey | None:
        if self.person_type is None or self.person_code is None:
            return None
        return PersonKey(type=self.person_type, code=self.person_code)


class VerifyOut(SchemaOut):
    verified: bool = Field(description="Whether the two are held to be the same person.", examples=[True])
    similarity_score: Similarity
    confidence: Confidence
    threshold: float = Field(description="Least similarity that counts as the same person.", examples=[0.6])
    warnings: Warnings
    model: ModelName
    processing_time_ms: Milliseconds

    @classmethod
    def of(cls, verification: Verification) -> "VerifyOut":
        return cls(
            verified=verification.verified,
            similarity_score=round(verification.similarity, 6),
            confidence=round(verification.confidence, 6),
            threshold=verification.threshold,
            warnings=list(verification.warnings),
            model=verification.model,
            processing_time_ms=verification.processing_time_ms,
        )
