"""Before the school opens: the load test's people are enrolled, and the gallery has its size."""

import base64
from collections.abc import Collection
from dataclasses import replace
from itertools import islice
from typing import Any, Final

import httpx

from bench.visitors import MAX_DOUBLES, Cast, Visitor

ANSWER_LIMIT_SECONDS: Final = 120.0
_BATCH = 20
# What is wrong with the picture, and no fault of the server's.
_PICTURE_WILL_NOT_DO = ("NO_FACE_DETECTED", "MULTIPLE_FACES", "LOW_QUALITY_IMAGE")
_ADVICE = {
    401: " Give a key by --api-key.",
    403: " The key by --api-key must be an admin's.",
    429: " Start the server with RATE_LIMIT_PER_MINUTE=0, or this address in RATE_LIMIT_EXEMPT.",
}


class NotReady(Exception):
    """The load cannot begin; the text says why."""


def open_school(client: httpx.Client, cast: Cast, gallery_size: int) -> Cast:
    """Enrol students and teachers, and doubles of the students until so many faces are there.

    Returns who has pictures that the server takes, with those pictures.

    Raises:
        NotReady: no server answers, it is unhealthy, or it does not let us.
    """
    _health(client)
    students = [_enrolled(client, visitor, "student") for visitor in cast.students]
    teachers = [_enrolled(client, visitor, "teacher") for visitor in cast.teachers]
    newcomers = [_enrolled(client, visitor, "student") for visitor in cast.newcomers]
    for visitor in newcomers:
        _forget(client, visitor)
    taken = Cast(
        students=[visitor for visitor in students if visitor.pictures],
        teachers=[visitor for visitor in teachers if visitor.pictures],
        newcomers=[visitor for visitor in newcomers if visitor.pictures],
    )
    if not (taken.students and taken.teachers and taken.newcomers):
        raise NotReady("The server takes too few of the pictures: no face, several, or too low a quality.")
    _fill(client, taken, gallery_size - int(_health(client).get("enrolled_faces") or 0))
    return taken


def _health(client: httpx.Client) -> dict[str, Any]:
    try:
        answer = client.get("/api/health")
        health: dict[str, Any] = answer.json()
    except httpx.TransportError:
        raise NotReady(f"No server answers at {client.base_url}.") from None
    except ValueError:
        raise NotReady(f"What answers at {client.base_url} is not Rollcall.") from None
    if answer.status_code != 200:
        raise NotReady(f"The server is not ready: {health.get('message', answer.status_code)}")
    return health


def _enrolled(client: httpx.Client, visitor: Visitor, person_type: str) -> Visitor:
    """The visitor with those pictures that show one good face."""
    taken: list[bytes] = []
    for picture in visitor.pictures:
        form = {
            "person_type": person_type,
            "person_code": visitor.code,
            "person_name": "Load test",
            "mode": "add" if taken else "replace",
        }
        sent = {"data": form, "files": {"image": ("camera.jpg", picture, "image/jpeg")}}
        answer = _ask(client, "POST", "/api/face/enroll", _PICTURE_WILL_NOT_DO, **sent)
        if answer.status_code == 200 and not answer.json()["warnings"]:
            taken.append(picture)
    return replace(visitor, pictures=tuple(taken))


def _forget(client: httpx.Client, visitor: Visitor) -> None:
    person = {"person_type": "student", "person_code": visitor.code}
    _ask(client, "DELETE", "/api/face/delete", ("PERSON_NOT_FOUND",), json=person)


def _fill(client: httpx.Client, cast: Cast, missing: int) -> None:
    """Enrol so many doubles of the students. Those of an earlier run count already."""
    numbers = range(1, MAX_DOUBLES + 1)
    doubles = (_double(visitor, number) for number in numbers for visitor in cast.students)
    while missing > 0:
        batch = list(islice(doubles, min(_BATCH, missing)))
        if not batch:
            raise NotReady("The gallery cannot have that size: there are too few pictures.")
        answer = _ask(client, "POST", "/api/face/batch-enroll", (), json={"enrollments": batch})
        missing -= int(answer.json()["summary"]["successful"])


def _double(visitor: Visitor, number: int) -> dict[str, str]:
    return {
        "person_type": "student",
        "person_code": visitor.double(number),
        "person_name": "Load test",
        "image_base64": base64.b64encode(visitor.pictures[0]).decode(),
    }


def _ask(
    client: httpx.Client, method: str, path: str, expected: Collection[str], **sent: Any
) -> httpx.Response:
    """A 200, or an error of one of the expected codes."""
    try:
        answer = client.request(method, path, **sent)
    except httpx.TransportError as error:
        raise NotReady(f"{path} got no answer: {type(error).__name__}.") from None
    refusal = {}
    if answer.status_code != 200 and "json" in answer.headers.get("content-type", ""):
        refusal = answer.json()
    if answer.status_code == 200 or refusal.get("error_code") in expected:
        return answer
    advice = _ADVICE.get(answer.status_code, "")
    raise NotReady(f"{path} answered {answer.status_code}: {refusal.get('message', 'no reason')}{advice}")
