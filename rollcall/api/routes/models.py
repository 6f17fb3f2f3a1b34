"""/api/models: list, switch, roll back."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from rollcall.api.bodies import body_of
from rollcall.api.deps import WorkflowsBeside, admitted
from rollcall.api.openapi import GUARD_ERRORS, errors, takes
from rollcall.api.schemas.models import LeftFaceOut, LeftOut, ModelsOut, SwitchedOut, SwitchIn
from rollcall.core import errors as e
from rollcall.core.models import Switch, SwitchState

router = APIRouter(dependencies=[Depends(admitted, scope="function")], tags=["models"])

MAX_PAGE = 10_000
BODY_ERRORS = (e.InvalidRequest, e.ImageTooLarge, e.UnsupportedImageFormat)
SWITCH_ANSWERS = errors(*GUARD_ERRORS, *BODY_ERRORS, e.ModelNotFound, e.ModelUnusable, e.ModelConflict)
SWITCH_ANSWERS[202] = {
    "model": SwitchedOut,
    "description": "It is under way; GET /api/models tells how far it is.",
}


@router.get("/api/models", responses=errors(*GUARD_ERRORS))
async def list_models(run: WorkflowsBeside) -> ModelsOut:
    """Every model, which one answers, and how the last switch stands."""
    return ModelsOut.of(await run.list_models.run())


@router.get("/api/models/left", responses=errors(*GUARD_ERRORS, e.InvalidRequest))
async def list_left_faces(
    run: WorkflowsBeside,
    limit: Annotated[
        int | None, Query(ge=1, le=MAX_PAGE, description="At most so many; all if absent.", examples=[50])
    ] = None,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1, description="Leave out so many.", examples=[0])] = 0,
) -> LeftOut:
    """Faces without an embedding by the model that answers, such as those without an image."""
    faces, total = await run.switch_models.left(limit=limit, offset=offset)
    return LeftOut(faces=[LeftFaceOut.of(face) for face in faces], total_count=total)


@router.post("/api/models/switch", responses=SWITCH_ANSWERS, openapi_extra=takes(SwitchIn, form=False))
async def switch_model(
    body: Annotated[SwitchIn, Depends(body_of(SwitchIn))], response: Response, run: WorkflowsBeside
) -> SwitchedOut:
    """Let another model answer, once it has embedded every face and found everybody in a rehearsal."""
    return _answer(await run.switch_models.begin(body.model, force=body.force), response)


@router.delete("/api/models/switch", responses=errors(*GUARD_ERRORS, e.ModelConflict))
async def cancel_switch(run: WorkflowsBeside) -> SwitchedOut:
    """Break off the switch under way. What was embedded is kept."""
    return SwitchedOut.of(await run.switch_models.cancel())


@router.post("/api/models/rollback", responses=errors(*GUARD_ERRORS, e.ModelUnusable, e.ModelConflict))
async def roll_back(run: WorkflowsBeside) -> SwitchedOut:
    """Let the model before answer again, at once."""
    return SwitchedOut.of(await run.switch_models.rollback())


def _answer(switch: Switch, response: Response) -> SwitchedOut:
    if switch.state is SwitchState.FAILED:
        raise e.ModelConflict(switch.problem)
    if switch.running:
        response.status_code = 202
    return SwitchedOut.of(switch)
