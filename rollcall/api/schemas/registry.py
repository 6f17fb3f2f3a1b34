"""Listing and deleting enrolled faces."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, Field

from rollcall.api.schemas.common import Code, SchemaIn, SchemaOut, TypeOfPerson
from rollcall.core.people import PersonKey
from rollcall.core.records import EnrolledFace


class EnrolledFaceOut(BaseModel):
    """One FaceData row."""

    id: int = Field(description="The FaceData Id.", examples=[17])
    person_type: TypeOfPerson
    person_code: str = Field(description="The person's code.", examples=["S001"])
    person_name: str | None = Field(
        description="From Student or Teacher; null if there is no such row.", examples=["Ada Lovelace"]
    )
    enrollment_date: datetime = Field(
        description="When the face was enrolled (ISO 8601).", examples=["2026-09-01T08:30:00"]
    )
    has_image: bool = Field(description="Whether the picture is kept.", examples=[True])

    @classmethod
    def of(cls, face: EnrolledFace) -> "EnrolledFaceOut":
        return cls(
            id=face.id,
            person_type=face.person.type,
            person_code=face.person.code,
            person_name=face.person_name,
            enrollment_date=face.enrollment_date,
            has_image=face.has_image,
        )


class ListOut(SchemaOut):
    faces: list[EnrolledFaceOut] = Field(
        description="The page's faces, in order of their id.",
        examples=[
            [
                {
                    "id": 17,
                    "person_type": "student",
                    "person_code": "S001",
                    "person_name": "Ada Lovelace",
                    "enrollment_date": "2026-09-01T08:30:00",
                    "has_image": True,
                }
            ]
        ],
    )
    total_count: int = Field(description="How many faces there are on all pages.", examples=[1])

    @classmethod
    def of(cls, faces: Sequence[EnrolledFace], total: int) -> "ListOut":
        return cls(faces=[EnrolledFaceOut.of(face) for face in faces], total_count=total)


class DeleteIn(SchemaIn):
    person_type: TypeOfPerson
    person_code: Code

    def person(self) -> PersonKey:
        return PersonKey(type=self.person_type, code=self.person_code)


class DeleteOut(SchemaOut):
    message: str = Field(description="What was done.", examples=["1 face was deleted."])
