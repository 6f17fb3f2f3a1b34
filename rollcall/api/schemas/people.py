"""Everybody of the school."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, Field

from rollcall.api.schemas.common import SchemaOut, TypeOfPerson
from rollcall.core.directory import Entry


class PersonOut(BaseModel):
    """A row of Student or Teacher, or a code that has faces and no such row."""

    person_type: TypeOfPerson
    person_code: str = Field(description="The person's code.", examples=["S001"])
    person_name: str | None = Field(
        description="The name, or else the nickname; null where there is neither.", examples=["Ada Lovelace"]
    )
    group: str | None = Field(description="The student's form or the teacher's department.", examples=["7A"])
    campus: str | None = Field(description="From Student or Teacher.", examples=["North"])
    face_count: int = Field(ge=0, description="How many faces are enrolled.", examples=[2])
    last_enrolled: datetime | None = Field(
        description="When the last of them was enrolled (ISO 8601, by the database's clock); null where that "
        "is not known.",
        examples=["2026-09-01T08:30:00"],
    )

    @classmethod
    def of(cls, entry: Entry) -> "PersonOut":
        return cls(
            person_type=entry.type,
            person_code=entry.code,
            person_name=entry.name,
            group=entry.group,
            campus=entry.campus,
            face_count=entry.face_count,
            last_enrolled=entry.last_enrolled,
        )


class PeopleOut(SchemaOut):
    people: list[PersonOut] = Field(
        description="The page's people, in order of type and code.",
        examples=[
            [
                {
                    "person_type": "student",
                    "person_code": "S001",
                    "person_name": "Ada Lovelace",
                    "group": "7A",
                    "campus": "North",
                    "face_count": 2,
                    "last_enrolled": "2026-09-01T08:30:00",
                }
            ]
        ],
    )
    total_count: int = Field(ge=0, description="How many people there are on all pages.", examples=[1])

    @classmethod
    def of(cls, entries: Sequence[Entry], total: int) -> "PeopleOut":
        return cls(people=[PersonOut.of(entry) for entry in entries], total_count=total)
