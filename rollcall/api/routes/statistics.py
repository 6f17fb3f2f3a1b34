"""/api/statistics: figures of the last day."""

from fastapi import APIRouter, Depends

from rollcall.api.deps import WorkflowsBeside, admitted
from rollcall.api.openapi import GUARD_ERRORS, errors
from rollcall.api.schemas.statistics import StatisticsOut

router = APIRouter(dependencies=[Depends(admitted, scope="function")], tags=["service"])


@router.get("/api/statistics", responses=errors(*GUARD_ERRORS))
async def statistics(run: WorkflowsBeside) -> StatisticsOut:
    """What was recognised today and in the last 24 hours, how fast, and how alike the faces were.

    Of all servers together, from FaceRecognitionLogs and what was answered: the newest 200,000 rows of each.
    Counted anew after 5 seconds.
    """
    return StatisticsOut.of(await run.report_statistics.run())
