"""Figures of the last day."""

from datetime import datetime
from typing import Annotated, TypeAlias

from pydantic import BaseModel, Field

from rollcall.api.schemas.common import SchemaOut
from rollcall.core.statistics import BINS, Hour, Outcomes, Statistics

Recognised: TypeAlias = Annotated[int, Field(ge=0, description="How many were recognised.", examples=[180])]
NotRecognised: TypeAlias = Annotated[int, Field(ge=0, description="How many were not.", examples=[12])]


class TodayOut(BaseModel):
    """Since midnight by the database's clock."""

    recognitions: int = Field(
        ge=0, description="How many faces were looked for: the rows of FaceRecognitionLogs.", examples=[192]
    )
    recognised: Recognised
    not_recognised: NotRecognised

    @classmethod
    def of(cls, outcomes: Outcomes) -> "TodayOut":
        recognised, not_recognised = outcomes.recognised, outcomes.not_recognised
        return cls(
            recognitions=recognised + not_recognised, recognised=recognised, not_recognised=not_recognised
        )


class HourOut(BaseModel):
    """One hour."""

    hour: datetime = Field(
        description="When it began (ISO 8601, by the database's clock).", examples=["2026-09-01T08:00:00"]
    )
    recognised: Recognised
    not_recognised: NotRecognised
    median_ms: float | None = Field(
        description="Half of them took no longer, in milliseconds; null where there was none.", examples=[41]
    )
    p95_ms: float | None = Field(
        description="95 in 100 of them took no longer, in milliseconds; null where there was none.",
        examples=[96.5],
    )

    @classmethod
    def of(cls, hour: Hour) -> "HourOut":
        return cls(
            hour=hour.begins,
            recognised=hour.outcomes.recognised,
            not_recognised=hour.outcomes.not_recognised,
            median_ms=_rounded(hour.median_ms),
            p95_ms=_rounded(hour.p95_ms),
        )


class SimilarityBinOut(BaseModel):
    """Faces whose likest person was about as like."""

    # `from` is a word of Python.
    lower: float = Field(
        serialization_alias="from", description="The least similarity, itself included.", examples=[0.6]
    )
    upper: float = Field(
        serialization_alias="to", description="The similarity below which it ends.", examples=[0.65]
    )
    recognised: Recognised
    not_recognised: NotRecognised

    @classmethod
    def of(cls, number: int, outcomes: Outcomes) -> "SimilarityBinOut":
        return cls(
            lower=round(number / BINS, 2),
            upper=round((number + 1) / BINS, 2),
            recognised=outcomes.recognised,
            not_recognised=outcomes.not_recognised,
        )


class StatisticsOut(SchemaOut):
    as_of: datetime = Field(
        description="The moment of these figures (ISO 8601, by the database's clock).",
        examples=["2026-09-01T08:42:10"],
    )
    today: TodayOut = Field(
        description="Since midnight.",
        examples=[{"recognitions": 192, "recognised": 180, "not_recognised": 12}],
    )
    hours: list[HourOut] = Field(
        description="The last 24 hours, the oldest first; the present one is the last.",
        examples=[
            [
                {
                    "hour": "2026-09-01T08:00:00",
                    "recognised": 180,
                    "not_recognised": 12,
                    "median_ms": 41,
                    "p95_ms": 96.5,
                }
            ]
        ],
    )
    similarity: list[SimilarityBinOut] = Field(
        description="The faces of these hours by the similarity of the likest person, in steps of 0.05 from "
        "0 to 1. What is below 0 counts in the first, 1 itself in the last.",
        examples=[[{"from": 0.6, "to": 0.65, "recognised": 31, "not_recognised": 0}]],
    )
    complete: bool = Field(
        description="false: there were more rows than the newest 200,000 of each table, which are counted.",
        examples=[True],
    )

    @classmethod
    def of(cls, statistics: Statistics) -> "StatisticsOut":
        return cls(
            as_of=statistics.as_of,
            today=TodayOut.of(statistics.today),
            hours=[HourOut.of(hour) for hour in statistics.hours],
            similarity=[
                SimilarityBinOut.of(number, outcomes) for number, outcomes in enumerate(statistics.similarity)
            ],
            complete=statistics.complete,
        )


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 1)
