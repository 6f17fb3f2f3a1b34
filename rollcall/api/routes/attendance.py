"""/api/attendance: mark students, and see who is there."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from rollcall.api.bodies import body_of
from rollcall.api.csv_answers import CSV_CONTENT, csv_answer
from rollcall.api.deps import WorkflowsBeside, WorkflowsDep, admitted
from rollcall.api.openapi import GUARD_ERRORS, PICTURE_ERRORS, errors, takes
from rollcall.api.schemas.attendance import MAX_INT, ScanIn, ScanOut
from rollcall.api.schemas.roll import CSV_COLUMNS, AttendanceOut, RollOut, csv_rows
from rollcall.core import errors as e
from rollcall.core.attendance import Selection

router = APIRouter(dependencies=[Depends(admitted, scope="function")], tags=["attendance"])

ROLL_ANSWERS = errors(*GUARD_ERRORS, e.InvalidRequest, e.NotFound)
ROLL_ANSWERS[200] = {"content": CSV_CONTENT}


@router.post(
    "/api/attendance/scan", responses=errors(*GUARD_ERRORS, *PICTURE_ERRORS), openapi_extra=takes(ScanIn)
)
async def scan(body: Annotated[ScanIn, Depends(body_of(ScanIn))], run: WorkflowsDep) -> ScanOut:
    """Mark every student in a picture, once per session."""
    return ScanOut.of(await run.scan_attendance.run(body.image_base64, body.session_id, body.status))


@router.get("/api/attendance", responses=errors(*GUARD_ERRORS))
async def list_sessions(run: WorkflowsBeside) -> AttendanceOut:
    """The newest sessions, and the forms and campuses to choose from."""
    return AttendanceOut.of(await run.call_roll.choices())


@router.get("/api/attendance/{session_id}", response_model=RollOut, responses=ROLL_ANSWERS)
async def call_roll(
    session_id: Annotated[int, Path(ge=1, le=MAX_INT, description="The Id of the session.", examples=[1])],
    run: WorkflowsBeside,
    form: Annotated[
        str | None, Query(max_length=100, description="Only students of this form.", examples=["7A"])
    ] = None,
    campus: Annotated[
        str | None, Query(max_length=100, description="Only students of this campus.", examples=["North"])
    ] = None,
    format: Annotated[
        Literal["json", "csv"],
        Query(description="csv: a file for spreadsheets, with a line for each student.", examples=["json"]),
    ] = "json",
) -> RollOut | Response:
    """Who is present, late and missing in a session."""
    entries = await run.call_roll.of(session_id, Selection(form=form or None, campus=campus or None))
    if format == "csv":
        name = f"attendance-{session_id}.csv"
        return await asyncio.to_thread(csv_answer, name, CSV_COLUMNS, csv_rows(entries))
    # Of a large school it takes so long that others would wait for it.
    return await asyncio.to_thread(RollOut.of, session_id, entries)
