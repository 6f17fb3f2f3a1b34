"""What handlers are given."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from rollcall.api.security import Gate, KeyCheck, RateLimit
from rollcall.core.callers import ANONYMOUS, Caller, caller
from rollcall.core.errors import ModelNotLoaded
from rollcall.logs import request_id
from rollcall.workflows.enroll import Enroll
from rollcall.workflows.list_models import ListModels
from rollcall.workflows.look import Look
from rollcall.workflows.recognize import Recognize
from rollcall.workflows.registry import Registry
from rollcall.workflows.report_health import ReportHealth
from rollcall.workflows.scan_attendance import ScanAttendance
from rollcall.workflows.switch_models import SwitchModels
from rollcall.workflows.take_figures import TakeFigures
from rollcall.workflows.verify import Verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflows:
    """Everything a handler can call."""

    enroll: Enroll
    recognize: Recognize
    verify: Verify
    look: Look
    registry: Registry
    scan_attendance: ScanAttendance
    health: ReportHealth
    switch_models: SwitchModels
    list_models: ListModels
    take_figures: TakeFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """Everything a request passes before its handler."""

    keys: KeyCheck
    rate_limit: RateLimit
    gate: Gate


def workflows(request: Request) -> Workflows:
    """The workflows that the service put there at its start."""
    found: Workflows | None = getattr(request.app.state, "workflows", None)
    if found is None:
        raise ModelNotLoaded("The service is starting.")
    return found


async def admitted(request: Request) -> AsyncIterator[None]:
    """Key, rate limit, a place in the queue: in this order, before the body is read."""
    guards: Guards = request.app.state.guards
    key = guards.keys.caller(request)
    await guards.rate_limit.check(request, key)
    # Of this request's own task, with which it ends.
    caller.set(
        Caller(
            name=getattr(key, "name", ANONYMOUS),
            address=request.client.host if request.client else "",
            request_id=request_id.get(),
        )
    )
    async with guards.gate.place():
        yield


async def workflows_in_turn(request: Request) -> AsyncIterator[Workflows]:
    """The workflows, when it is the request's turn. Comes after the body among a handler's parameters."""
    guards: Guards = request.app.state.guards
    async with guards.gate.turn():
        yield workflows(request)


WorkflowsDep: TypeAlias = Annotated[Workflows, Depends(workflows_in_turn, scope="function")]
WorkflowsAtOnce: TypeAlias = Annotated[Workflows, Depends(workflows)]
