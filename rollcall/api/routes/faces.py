"""/api/face: enrol, recognise, verify, detect, list, delete."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query

from rollcall.api.bodies import MAX_BATCH_BODY_BYTES, MAX_BODY_BYTES, body_of
from rollcall.api.deps import WorkflowsDep, admitted
from rollcall.api.openapi import GUARD_ERRORS, PICTURE_ERRORS, errors, takes
from rollcall.api.routes.batch import read_items
from rollcall.api.schemas.enroll import BatchEnrollIn, BatchEnrollOut, BatchResult, EnrollIn, EnrollOut
from rollcall.api.schemas.look import DetectOut, FaceOut, PictureIn, QualityCheckOut
from rollcall.api.schemas.recognize import RecognizeAllOut, RecognizeIn, RecognizeOut, VerifyIn, VerifyOut
from rollcall.api.schemas.registry import DeleteIn, DeleteOut, ListOut
from rollcall.core import errors as e
from rollcall.core.people import PersonType
from rollcall.workflows.registry import Page

MAX_PAGE = 10_000
MAX_ID = 2**31 - 1

router = APIRouter(dependencies=[Depends(admitted, scope="function")], tags=["faces"])
ENROLL_ERRORS = (
    e.NoFaceDetected,
    e.MultipleFaces,
    e.LowQualityImage,
    e.DuplicateEnrollment,
    e.PersonNotFound,
)
FACE_ERRORS = (e.NoFaceDetected, e.MultipleFaces)


@router.post(
    "/api/face/enroll",
    responses=errors(*GUARD_ERRORS, *PICTURE_ERRORS, *ENROLL_ERRORS),
    openapi_extra=takes(EnrollIn),
)
async def enroll(body: Annotated[EnrollIn, Depends(body_of(EnrollIn))], run: WorkflowsDep) -> EnrollOut:
    """Enrol the largest face of a picture."""
    return EnrollOut.of(await run.enroll.one(body.enrollment()))


@router.post(
    "/api/face/register",
    responses=errors(*GUARD_ERRORS, *PICTURE_ERRORS, *ENROLL_ERRORS),
    openapi_extra=takes(EnrollIn),
)
async def register(body: Annotated[EnrollIn, Depends(body_of(EnrollIn))], run: WorkflowsDep) -> EnrollOut:
    """The old server's name of /api/face/enroll."""
    return EnrollOut.of(await run.enroll.one(body.enrollment()))


@router.post(
    "/api/face/batch-enroll",
    responses=errors(*GUARD_ERRORS, e.InvalidRequest, e.ImageTooLarge),
    openapi_extra=takes(BatchEnrollIn, form=False),
)
async def batch_enroll(
    body: Annotated[BatchEnrollIn, Depends(body_of(BatchEnrollIn, max_bytes=MAX_BATCH_BODY_BYTES))],
    run: WorkflowsDep,
) -> BatchEnrollOut:
    """Enrol many faces; each succeeds or fails by itself."""
    codes, items = read_items(body.enrollments)
    outcomes = await run.enroll.many(items)
    return BatchEnrollOut.of(
        [BatchResult.of(code, outcome) for code, outcome in zip(codes, outcomes, strict=True)]
    )


@router.post(
    "/api/face/recognize",
    responses=errors(*GUARD_ERRORS, *PICTURE_ERRORS, *FACE_ERRORS),
    openapi_extra=takes(RecognizeIn),
)
async def recognize(
    body: Annotated[RecognizeIn, Depends(body_of(RecognizeIn))], run: WorkflowsDep
) -> RecognizeOut:
    """Name the largest face of a picture."""
    return RecognizeOut.of(await run.recognize.largest(body.sighting()), body.top_k)


@router.post(
    "/api/face/recognize-all",
    responses=errors(*GUARD_ERRORS, *PICTURE_ERRORS),
    openapi_extra=takes(RecognizeIn),
)
async def recognize_all(
    body: Annotated[RecognizeIn, Depends(body_of(RecognizeIn))], run: WorkflowsDep
) -> RecognizeAllOut:
    """Name every face of a picture, the largest first."""
    return RecognizeAllOut.of(await run.recognize.every_face(body.sighting()), body.top_k)


@router.post(
    "/api/face/verify",
    responses=errors(*GUARD_ERRORS, *PICTURE_ERRORS, *FACE_ERRORS, e.PersonNotFound),
    openapi_extra=takes(VerifyIn),
)
async def verify(
    body: Annotated[VerifyIn, Depends(body_of(VerifyIn, max_bytes=2 * MAX_BODY_BYTES))], run: WorkflowsDep
) -> VerifyOut:
    """Compare two pictures, or a picture with an enrolled person."""
    person = body.person()
    if person is not None and body.image_base64 is not None:
        verification = await run.verify.person(body.image_base64, person, body.similarity_threshold)
    elif body.image1_base64 is not None and body.image2_base64 is not None:
        verification = await run.verify.pictures(
            body.image1_base64, body.image2_base64, body.similarity_threshold
        )
    else:
        raise e.InvalidRequest
    return VerifyOut.of(verification)


@router.post(
    "/api/face/detect", responses=errors(*GUARD_ERRORS, *PICTURE_ERRORS), openapi_extra=takes(PictureIn)
)
async def detect(body: Annotated[PictureIn, Depends(body_of(PictureIn))], run: WorkflowsDep) -> DetectOut:
    """Find the faces of a picture."""
    reading = await run.look.detect(body.image_base64)
    return DetectOut(faces=[FaceOut.of(face) for face in reading.faces])


@router.post(
    "/api/face/quality-check",
    responses=errors(*GUARD_ERRORS, *PICTURE_ERRORS),
    openapi_extra=takes(PictureIn),
)
async def quality_check(
    body: Annotated[PictureIn, Depends(body_of(PictureIn))], run: WorkflowsDep
) -> QualityCheckOut:
    """Say whether a picture will do for enrolling; nothing is stored."""
    return QualityCheckOut.of(await run.look.assess(body.image_base64))


Limit = Annotated[
    int | None, Query(ge=1, le=MAX_PAGE, description="At most so many faces; all if absent.", examples=[50])
]
Offset = Annotated[int, Query(ge=0, le=MAX_ID, description="Leave out so many from the start.", examples=[0])]
OnlyCode = Annotated[str | None, Query(description="Only this person's faces.", examples=["S001"])]
Everyone = Literal["student", "teacher", "all"]
Which = Annotated[Everyone, Path(description="Whose faces.", examples=["student"])]


async def _list(
    run: WorkflowsDep, which: Everyone, limit: int | None, offset: int, code: str | None
) -> ListOut:
    only = None if which == "all" else PersonType(which)
    return ListOut.of(*await run.registry.list(Page(type=only, code=code, limit=limit, offset=offset)))


@router.get("/api/face/list/{person_type}", responses=errors(*GUARD_ERRORS, e.InvalidRequest))
async def list_faces(
    person_type: Which,
    run: WorkflowsDep,
    limit: Limit = None,
    offset: Offset = 0,
    person_code: OnlyCode = None,
) -> ListOut:
    """List enrolled faces, a page at a time."""
    return await _list(run, person_type, limit, offset, person_code)


@router.get("/api/face-descriptors/{personType}", responses=errors(*GUARD_ERRORS, e.InvalidRequest))
async def list_descriptors(
    personType: Which,
    run: WorkflowsDep,
    limit: Limit = None,
    offset: Offset = 0,
    person_code: OnlyCode = None,
) -> ListOut:
    """The old server's name of /api/face/list."""
    return await _list(run, personType, limit, offset, person_code)


@router.delete(
    "/api/face/delete",
    responses=errors(*GUARD_ERRORS, e.InvalidRequest, e.ImageTooLarge, e.PersonNotFound),
    openapi_extra=takes(DeleteIn, form=False),
)
async def delete_person(
    body: Annotated[DeleteIn, Depends(body_of(DeleteIn))], run: WorkflowsDep
) -> DeleteOut:
    """Delete every face of a person."""
    removed = await run.registry.forget_person(body.person())
    return DeleteOut(message=f"{removed} {'face was' if removed == 1 else 'faces were'} deleted.")


@router.delete("/api/admin/face/{id}", responses=errors(*GUARD_ERRORS, e.InvalidRequest, e.NotFound))
async def delete_face(
    id: Annotated[int, Path(ge=1, le=MAX_ID, description="The FaceData Id.", examples=[17])],
    run: WorkflowsDep,
) -> DeleteOut:
    """Delete one face."""
    await run.registry.forget_face(id)
    return DeleteOut(message="1 face was deleted.")
