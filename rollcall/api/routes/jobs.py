"""/api/jobs: bulk imports in the background."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path
from fastapi.responses import StreamingResponse

from rollcall.api.deps import WorkflowsBeside, admitted
from rollcall.api.openapi import GUARD_ERRORS, errors
from rollcall.api.schemas.jobs import (
    ImportIn,
    JobBegunOut,
    JobCancelledOut,
    JobId,
    JobListOut,
    JobLookOut,
    JobOut,
)
from rollcall.api.uploads import ReceivedImport, received_import
from rollcall.core import errors as e
from rollcall.workflows.import_jobs import ImportWish

router = APIRouter(dependencies=[Depends(admitted, scope="function")], tags=["jobs"])

_ID_ERRORS = (e.InvalidRequest, e.NotFound)
_UPLOAD_ERRORS = (e.InvalidRequest, e.ImageTooLarge, e.StorageFull, e.ModelNotLoaded)
Id = Annotated[JobId, Path()]


def _form() -> dict[str, Any]:
    """The form of an import for the OpenAPI document: ImportIn and two files."""
    document = ImportIn.model_json_schema(ref_template="#/components/schemas/{model}")
    document.pop("$defs", None)
    document["title"] = "ImportForm"
    files = {
        "photos": "A zip of photos: JPEG, PNG or WebP files of at most 10 MB each, in folders or not.",
        "csv": "The list of people: a CSV file in UTF-8 with the columns code, name and perhaps photo. "
        "Without it the names of files and folders are the codes.",
    }
    properties: dict[str, Any] = {
        name: {"type": "string", "format": "binary", "description": text} for name, text in files.items()
    }
    document["properties"] = {**properties, **document["properties"]}
    document["required"] = ["photos", *document["required"]]
    content = {"multipart/form-data": {"schema": document}}
    return {"requestBody": {"required": True, "content": content}}


_REPORT: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The report as far as the job has come: a CSV file in UTF-8.",
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": "line,code,name,photo,outcome,error_code,reason,what_to_do,same_face_as\r\n"
                "2,S001,Ada Lovelace,S001.jpg,enrolled,,,,\r\n",
            }
        },
    }
}


@router.post(
    "/api/jobs/import",
    status_code=202,
    responses=errors(*GUARD_ERRORS, *_UPLOAD_ERRORS),
    openapi_extra=_form(),
)
async def begin_import(
    received: Annotated[ReceivedImport, Depends(received_import, scope="function")], run: WorkflowsBeside
) -> JobBegunOut:
    """Enrol a list of people with a zip of photos, in the background; the job tells how far it is."""
    wish = received.wish
    job = await run.import_jobs.begin(
        received.upload,
        ImportWish(person_type=wish.person_type, mode=wish.mode, dry_run=wish.dry_run),
    )
    return JobBegunOut(job=JobOut.of(job))


@router.get("/api/jobs", responses=errors(*GUARD_ERRORS))
async def list_jobs(run: WorkflowsBeside) -> JobListOut:
    """The newest jobs of all servers."""
    return JobListOut.of(await run.import_jobs.newest())


@router.get("/api/jobs/{id}", responses=errors(*GUARD_ERRORS, *_ID_ERRORS))
async def look_at_job(id: Id, run: WorkflowsBeside) -> JobLookOut:
    """How a job stands, and what went wrong so far."""
    return JobLookOut.of(*await run.import_jobs.look(id))


@router.get(
    "/api/jobs/{id}/report",
    response_class=StreamingResponse,
    responses={**_REPORT, **errors(*GUARD_ERRORS, *_ID_ERRORS)},
)
async def report_of_job(id: Id, run: WorkflowsBeside) -> StreamingResponse:
    """What became of each row, as a CSV file."""
    job = await run.import_jobs.of(id)
    return StreamingResponse(
        run.import_jobs.report(job.id),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="import-{job.id}.csv"'},
    )


@router.delete("/api/jobs/{id}", responses=errors(*GUARD_ERRORS, *_ID_ERRORS))
async def cancel_job(id: Id, run: WorkflowsBeside) -> JobCancelledOut:
    """Cancel a job. What is enrolled stays."""
    job, was_open = await run.import_jobs.cancel(id)
    return JobCancelledOut.of(job, was_open=was_open)
