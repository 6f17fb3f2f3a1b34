"""/api/face/{id}/image: the picture of an enrolled face."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from rollcall.api.deps import WorkflowsBeside, admitted
from rollcall.api.openapi import GUARD_ERRORS, errors
from rollcall.api.routes.faces import MAX_ID
from rollcall.core import errors as e
from rollcall.core.records import KeptPicture

router = APIRouter(dependencies=[Depends(admitted, scope="function")], tags=["faces"])

# What a browser may show. An old row may say that it is a page, and hold one.
SHOWN: Final = frozenset({"image/jpeg", "image/png", "image/webp"})
_UNKNOWN: Final = "application/octet-stream"
_FILE: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}

ANSWERS = errors(*GUARD_ERRORS, e.InvalidRequest, e.InvalidImage, e.NotFound)
ANSWERS[200] = {
    "description": "The picture: a JPEG with `max_side`, else the file as it is stored.",
    "content": {kind: _FILE for kind in (*sorted(SHOWN), _UNKNOWN)},
}


@router.get("/api/face/{id}/image", response_class=Response, responses=ANSWERS)
async def face_image(
    id: Annotated[int, Path(ge=1, le=MAX_ID, description="The FaceData Id.", examples=[17])],
    run: WorkflowsBeside,
    max_side: Annotated[
        int | None,
        Query(
            ge=16,
            le=1024,
            description="At most so many pixels a side, upright; the stored file as it is if absent.",
            examples=[160],
        ),
    ] = None,
) -> Response:
    """The picture that a face was enrolled with."""
    if max_side is not None:
        return Response(await run.show_picture.reduced(id, max_side), media_type="image/jpeg")
    return _as_stored(await run.show_picture.stored(id), id)


def _as_stored(kept: KeptPicture, face_id: int) -> Response:
    kind = (kept.content_type or "").strip().lower()
    if kind in SHOWN:
        return Response(kept.image, media_type=kind)
    saved = {"Content-Disposition": f'attachment; filename="face-{face_id}"'}
    return Response(kept.image, media_type=_UNKNOWN, headers=saved)
