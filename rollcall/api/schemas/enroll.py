"""Enrolling: POST /api/face/enroll and /api/face/batch-enroll."""

from typing import Any

from pydantic import BaseModel, Field

from rollcall.api.schemas.common import (
    EXAMPLE_PICTURE,
    Code,
    Name,
    Picture,
    SchemaIn,
    SchemaOut,
    TypeOfPerson,
    Warnings,
    picture_field,
)
from rollcall.core.errors import RollcallError
from rollcall.core.people import PersonKey
from rollcall.workflows.enroll import Enrolled, Enrollment, EnrollMode

MAX_BATCH = 1000


class EnrollIn(SchemaIn):
    person_type: TypeOfPerson
    person_code: Code
    person_name: Name
    image_base64: Picture = picture_field()
    original_name: str | None = Field(
        default=None, max_length=255, description="The picture's file name.", examples=["ada.jpg"]
    )
    mode: EnrollMode = Field(
        default=EnrollMode.REJECT,
        description="When the person has a face already: answer 409, keep both, or replace the old ones.",
        examples=["reject"],
    )

    def enrollment(self) -> Enrollment:
        return Enrollment(
            person=PersonKey(type=self.person_type, code=self.person_code),
            name=self.person_name,
            picture=self.image_base64,
            original_name=self.original_name,
            mode=self.mode,
        )


class EnrollOut(SchemaOut):
    message: str = Field(description="What was done.", examples=["The face was enrolled."])
    person_code: str = Field(description="The person's code.", examples=["S001"])
    embedding_id: int = Field(description="The Id of the new FaceData row.", examples=[17])
    warnings: Warnings

    @classmethod
    def of(cls, enrolled: Enrolled) -> "EnrollOut":
        return cls(
            message="The face was enrolled.",
            person_code=enrolled.person.code,
            embedding_id=enrolled.face_id,
            warnings=list(enrolled.warnings),
        )


class BatchEnrollIn(SchemaIn):
    # Not list[EnrollIn]: an item that is not valid must not fail the others.
    enrollments: list[Any] = Field(
        max_length=MAX_BATCH,
        description="Bodies as /api/face/enroll takes them; each succeeds or fails by itself.",
        examples=[
            [
                {
                    "person_type": "student",
                    "person_code": "S001",
                    "person_name": "Ada Lovelace",
                    "image_base64": EXAMPLE_PICTURE,
                }
            ]
        ],
        json_schema_extra={"items": {"$ref": "#/components/schemas/EnrollIn"}},
    )


class BatchResult(BaseModel):
    """What became of one item."""

    person_code: str | None = Field(description="The item's person_code.", examples=["S001"])
    success: bool = Field(description="Whether the face was enrolled.", examples=[True])
    message: str = Field(description="What was done, or went wrong.", examples=["The face was enrolled."])
    error_code: str | None = Field(
        default=None, description="As in error answers; null on success.", examples=["NO_FACE_DETECTED"]
    )
    embedding_id: int | None = Field(
        default=None, description="The Id of the new FaceData row; null on failure.", examples=[17]
    )

    @classmethod
    def of(cls, code: str | None, outcome: Enrolled | RollcallError) -> "BatchResult":
        if isinstance(outcome, RollcallError):
            return cls(person_code=code, success=False, message=outcome.message, error_code=outcome.code)
        done = EnrollOut.of(outcome)
        return cls(person_code=code, success=True, message=done.message, embedding_id=done.embedding_id)


class BatchSummary(BaseModel):
    """How many items succeeded."""

    total: int = Field(description="All items.", examples=[2])
    successful: int = Field(description="Enrolled items.", examples=[1])
    failed: int = Field(description="The others.", examples=[1])


class BatchEnrollOut(SchemaOut):
    results: list[BatchResult] = Field(
        description="One for each item, in the order of the request.",
        examples=[[{"person_code": "S001", "success": True, "message": "The face was enrolled."}]],
    )
    summary: BatchSummary = Field(
        description="The numbers.", examples=[{"total": 1, "successful": 1, "failed": 0}]
    )

    @classmethod
    def of(cls, results: list[BatchResult]) -> "BatchEnrollOut":
        successful = sum(result.success for result in results)
        summary = BatchSummary(total=len(results), successful=successful, failed=len(results) - successful)
        return cls(results=results, summary=summary)
