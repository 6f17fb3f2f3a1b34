"""/api/health."""

from fastapi import APIRouter, Response

from rollcall.api.deps import WorkflowsAtOnce
from rollcall.api.schemas.health import HealthOut
from rollcall.core.figures import HealthStatus

router = APIRouter(tags=["service"])


@router.get(
    "/api/health",
    responses={503: {"model": HealthOut, "description": "unhealthy: no model can answer, or no database."}},
)
async def health(response: Response, run: WorkflowsAtOnce) -> HealthOut:
    """How the service stands. Needs no key and counts for no limit."""
    found = await run.health.run()
    if found.status is HealthStatus.UNHEALTHY:
        response.status_code = 503
    return HealthOut.of(found)
