"""/api/face/feedback: was the answer right?"""

from typing import Annotated

from fastapi import APIRouter, Depends

from rollcall.api.bodies import body_of
from rollcall.api.deps import WorkflowsDep, admitted
from rollcall.api.openapi import GUARD_ERRORS, errors, takes
from rollcall.api.schemas.feedback import FeedbackIn, FeedbackOut
from rollcall.core import errors as e

MAX_FEEDBACK_BYTES = 64 * 1024

router = APIRouter(dependencies=[Depends(admitted, scope="function")], tags=["faces"])


@router.post(
    "/api/face/feedback",
    responses=errors(*GUARD_ERRORS, e.InvalidRequest, e.ImageTooLarge, e.NotFound),
    openapi_extra=takes(FeedbackIn, form=False),
)
async def feedback(
    body: Annotated[FeedbackIn, Depends(body_of(FeedbackIn, max_bytes=MAX_FEEDBACK_BYTES))],
    run: WorkflowsDep,
) -> FeedbackOut:
    """Say whether a recognition or a scan was right, and who it was."""
    return FeedbackOut.of(await run.take_feedback.run(body.feedback()))
