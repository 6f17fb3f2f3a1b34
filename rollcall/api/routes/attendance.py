"""/api/attendance."""

from typing import Annotated

from fastapi import APIRouter, Depends

from rollcall.api.bodies import body_of
from rollcall.api.deps import WorkflowsDep, admitted
from rollcall.api.openapi import GUARD_ERRORS, PICTURE_ERRORS, errors, takes
from rollcall.api.schemas.attendance import ScanIn, ScanOut

router = APIRouter(dependencies=[Depends(admitted, scope="function")], tags=["attendance"])


@router.post(
    "/api/attendance/scan", responses=errors(*GUARD_ERRORS, *PICTURE_ERRORS), openapi_extra=takes(ScanIn)
)
async def scan(body: Annotated[ScanIn, Depends(body_of(ScanIn))], run: WorkflowsDep) -> ScanOut:
    """Mark every student in a picture, once per session."""
    return ScanOut.of(await run.scan_attendance.run(body.image_base64, body.session_id, body.status))
