"""Saying whether an answer was right."""

from pydantic import Field

from rollcall.api.schemas.common import Code, RecognitionId, SchemaIn, SchemaOut
from rollcall.core.feedback import Feedback, Judgement
from rollcall.core.observing import FeedbackOutcome


class FeedbackIn(SchemaIn):
    """What somebody says who knows who was before the camera."""

    recognition_id: RecognitionId
    correct: bool = Field(description="Whether the answer was right.", examples=[False])
    person_code: Code | None = Field(
        default=None,
        description="Whom it is about: somebody who was named, or, with `correct` false, who it really was "
        "or who was missed. Absent: every face of the picture.",
        examples=["S002"],
    )

    def feedback(self) -> Feedback:
        return Feedback(
            recognition_id=self.recognition_id, correct=self.correct, person_code=self.person_code
        )


class FeedbackOut(SchemaOut):
    message: str = Field(description="What became of it, for people.", examples=["1 answer is counted."])
    outcomes: list[FeedbackOutcome] = Field(
        description="What the answer was, for each face that the feedback is about.",
        examples=[[FeedbackOutcome.FALSE_MATCH]],
    )
    counted: int = Field(
        ge=0, description="How many of them are new; 0 when the same was said before.", examples=[1]
    )

    @classmethod
    def of(cls, judgement: Judgement) -> "FeedbackOut":
        counted = sum(judged.is_news for judged in judgement.judged)
        return cls(
            message=f"{counted} {'answer is' if counted == 1 else 'answers are'} counted."
            if counted
            else "That was known already.",
            outcomes=[judged.outcome for judged in judgement.judged],
            counted=counted,
        )
