"""/api/people: everybody of the school."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from rollcall.api.deps import WorkflowsBeside, admitted
from rollcall.api.openapi import GUARD_ERRORS, errors
from rollcall.api.schemas.people import PeopleOut
from rollcall.core import errors as e
from rollcall.core.directory import Search
from rollcall.core.people import MAX_NAME_LENGTH, PersonType

MAX_PAGE = 1000

router = APIRouter(dependencies=[Depends(admitted, scope="function")], tags=["people"])


@router.get("/api/people", responses=errors(*GUARD_ERRORS, e.InvalidRequest))
async def list_people(
    run: WorkflowsBeside,
    person_type: Annotated[
        Literal["student", "teacher", "all"], Query(description="Whom to list.", examples=["student"])
    ] = "all",
    search: Annotated[
        str | None,
        Query(
            max_length=MAX_NAME_LENGTH,
            description="A part of the code or the name, without regard to case.",
            examples=["ada"],
        ),
    ] = None,
    enrolled: Annotated[
        bool | None,
        Query(
            description="true: only people who have faces; false: only those who have none.", examples=[True]
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="At most so many.", examples=[50])] = 50,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1, description="Leave out so many.", examples=[0])] = 0,
) -> PeopleOut:
    """Students, teachers, and codes that have faces without being either; a page at a time."""
    only = None if person_type == "all" else PersonType(person_type)
    text = (search or "").strip() or None
    wanted = Search(type=only, text=text, enrolled=enrolled, limit=limit, offset=offset)
    return PeopleOut.of(*await run.registry.people(wanted))
