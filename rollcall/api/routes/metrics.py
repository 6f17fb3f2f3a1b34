"""/metrics, for Prometheus."""

from fastapi import APIRouter, Response

from rollcall.api.deps import WorkflowsAtOnce
from rollcall.api.metrics import CONTENT_TYPE, exposition

router = APIRouter(tags=["service"])


@router.get("/metrics", include_in_schema=False)
async def metrics(run: WorkflowsAtOnce) -> Response:
    """Needs no key and counts for no limit."""
    return Response(exposition(run.take_figures.run()), media_type=CONTENT_TYPE)
