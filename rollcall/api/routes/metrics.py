"""/metrics, for Prometheus."""

from typing import Final

from fastapi import APIRouter, Request, Response

from rollcall.api.deps import Guards, WorkflowsAtOnce

router = APIRouter(tags=["service"])

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, run: WorkflowsAtOnce) -> Response:
    """Needs no key and counts for no limit."""
    guards: Guards = request.app.state.guards
    text = await run.scrape.run(guards.gate.turns)
    return Response(text, media_type=CONTENT_TYPE)
