"""Marking attendance from a picture."""

from typing import Literal

from pydantic import BaseModel, Field

from rollcall.api.schemas.common import (
    AnsweringModel,
    Picture,
    RecognitionId,
    SchemaIn,
    SchemaOut,
    picture_field,
)
from rollcall.core.records import AttendanceStatus
from rollcall.workflows.scan_attendance import Marked, Scan

MAX_INT = 2**31 - 1


class ScanIn(SchemaIn):
    image_base64: Picture = picture_field()
    session_id: int = Field(ge=1, le=MAX_INT, description="The Id of the session.", examples=[1])
    status: Literal[AttendanceStatus.PRESENT, AttendanceStatus.LATE] = Field(
        default=AttendanceStatus.PRESENT, description="How to mark the students.", examples=["Present"]
    )


class MarkedOut(BaseModel):
    """A student seen in the picture."""

    student_code: str = Field(description="The student's code.", examples=["S001"])
    student_name: str = Field(description="The student's name.", examples=["Ada Lovelace"])
    status: AttendanceStatus = Field(description="How the record stands now.", examples=["Present"])
    already_marked: bool = Field(
        description="Whether the student had been marked before; the record then stayed as it was.",
        examples=[False],
    )

    @classmethod
    def of(cls, marked: Marked) -> "MarkedOut":
        return cls(
            student_code=marked.student.key.code,
            student_name=marked.student.name,
            status=marked.status,
            already_marked=marked.already_marked,
        )


class ScanOut(SchemaOut):
    recognition_id: RecognitionId
    marked: list[MarkedOut] = Field(
        description="Every student seen, by the size of their face.",
        examples=[
            [
                {
                    "student_code": "S001",
                    "student_name": "Ada Lovelace",
                    "status": "Present",
                    "already_marked": False,
                }
            ]
        ],
    )
    unknown_faces: int = Field(description="How many faces are nobody's.", examples=[0])
    model: AnsweringModel

    @classmethod
    def of(cls, scan: Scan) -> "ScanOut":
        return cls(
            recognition_id=scan.recognition_id,
            marked=[MarkedOut.of(marked) for marked in scan.marked],
            unknown_faces=scan.unknown_faces,
            model=scan.model,
        )
