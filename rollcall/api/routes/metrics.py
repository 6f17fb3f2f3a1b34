"""/metrics, for Prometheus."""

import asyncio
from typing import Final

from fastapi import APIRouter, Request, Response

from rollcall.api.deps import Guards, WorkflowsAtOnce

router = APIRouter(tags=["service"])

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, run: WorkflowsAtOnce) -> Response:
    """Needs no key and counts for no limit."""
    guards: Guards = request.app.state.guards
    figures = await run.take_figures.run()
    text = await asyncio.to_thread(run.exposition.text, figures, guards.gate.turns)
    return Response(text, media_type=CONTENT_TYPE)
