"""What handlers are given."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from rollcall.api.body_budget import BodyBudget
from rollcall.api.deadlines import Deadline
from rollcall.api.rate_limit import RateLimit
from rollcall.api.roles import require_role, required_role
from rollcall.api.security import Gate, KeyCheck
from rollcall.core.api_keys import ApiKey
from rollcall.core.callers import ANONYMOUS, Caller, caller
from rollcall.core.errors import Forbidden, ModelNotLoaded, Unauthorized
from rollcall.core.requests import request_id
from rollcall.workflows.call_roll import CallRoll
from rollcall.workflows.enroll import Enroll
from rollcall.workflows.import_jobs import ImportJobs
from rollcall.workflows.list_models import ListModels
from rollcall.workflows.look import Look
from rollcall.workflows.recognize import Recognize
from rollcall.workflows.registry import Registry
from rollcall.workflows.report_health import ReportHealth
from rollcall.workflows.report_statistics import ReportStatistics
from rollcall.workflows.scan_attendance import ScanAttendance
from rollcall.workflows.scrape import Scrape
from rollcall.workflows.show_picture import ShowPicture
from rollcall.workflows.switch_models import SwitchModels
from rollcall.workflows.take_feedback import TakeFeedback
from rollcall.workflows.verify import Verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflows:
    """Everything a handler can call."""

    enroll: Enroll
    recognize: Recognize
    verify: Verify
    look: Look
    registry: Registry
    show_picture: ShowPicture
    scan_attendance: ScanAttendance
    call_roll: CallRoll
    take_feedback: TakeFeedback
    health: ReportHealth
    report_statistics: ReportStatistics
    switch_models: SwitchModels
    list_models: ListModels
    scrape: Scrape
    import_jobs: ImportJobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """Everything a request passes before its handler."""

    keys: KeyCheck
    rate_limit: RateLimit
    gate: Gate
    bodies: BodyBudget
    deadline: Deadline


def workflows(request: Request) -> Workflows:
    """The workflows that the service put there at its start."""
    found: Workflows | None = getattr(request.app.state, "workflows", None)
    if found is None:
        raise ModelNotLoaded("The service is starting.")
    return found


async def admitted(request: Request) -> AsyncIterator[None]:
    """Key, rate limit, role, room in the queue: in this order, before the body is read."""
    guards: Guards = request.app.state.guards
    route: str = request.scope["route"].path
    key = await _key_of(request, guards)
    request.state.key_name = key.name if key else None  # the access line tells it
    await guards.rate_limit.count(request, key)
    require_role(key, required_role(request.method, route))
    # Of this request's own task, with which it ends.
    caller.set(
        Caller(
            name=key.name if key else ANONYMOUS,
            address=request.client.host if request.client else "",
            request_id=request_id.get(),
        )
    )
    guards.gate.refuse_if_full()
    with guards.bodies.body(guards.rate_limit.caller(request, key)) as body:
        request.state.body = body
        async with guards.deadline.of(request, route):
            yield


async def _key_of(request: Request, guards: Guards) -> ApiKey | None:
    """Who calls. A key that is missing or wrong counts for the address."""
    try:
        return guards.keys.caller(request)
    except (Unauthorized, Forbidden):
        await guards.rate_limit.count(request, None)
        raise


async def _hung_up(request: Request) -> None:
    """Returns when the caller has closed the connection; the body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def workflows_in_turn(request: Request) -> AsyncIterator[Workflows]:
    """The workflows, when it is the request's turn. Comes after the body among a handler's parameters."""
    guards: Guards = request.app.state.guards
    async with guards.gate.turn(partial(_hung_up, request)):
        yield workflows(request)


async def workflows_beside(request: Request) -> AsyncIterator[Workflows]:
    """The workflows at once, for what must not wait behind pictures; it takes a place of the queue."""
    guards: Guards = request.app.state.guards
    with guards.gate.place():
        yield workflows(request)


WorkflowsDep: TypeAlias = Annotated[Workflows, Depends(workflows_in_turn, scope="function")]
WorkflowsBeside: TypeAlias = Annotated[Workflows, Depends(workflows_beside, scope="function")]
WorkflowsAtOnce: TypeAlias = Annotated[Workflows, Depends(workflows)]
