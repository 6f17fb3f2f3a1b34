"""Calls that many tests make."""

import base64
from typing import Any

import httpx

from tests.packs import picture


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def enrollment(code: str, *people: int, kind: str = "student", **fields: Any) -> dict[str, Any]:
    """An enrol body; the picture shows these synthetic people."""
    return {
        "person_type": kind,
        "person_code": code,
        "person_name": f"Name of {code}",
        "image_base64": base64_of(picture(*people)),
        **fields,
    }


def enroll(api: httpx.Client, code: str, *people: int, **fields: Any) -> dict[str, Any]:
    answer = api.post("/api/face/enroll", json=enrollment(code, *people, **fields))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def recognize(api: httpx.Client, *people: int, **fields: Any) -> dict[str, Any]:
    body = {"image_base64": base64_of(picture(*people)), **fields}
    answer = api.post("/api/face/recognize", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def error_of(answer: httpx.Response, status: int) -> str:
    """The error code of an answer that has the contract's shape and this status."""
    body = answer.json()
    assert answer.status_code == status, answer.text
    assert set(body) == {"success", "error_code", "message", "details"}
    assert body["success"] is False
    assert body["message"]
    assert body["details"]["suggestion"]
    assert answer.headers["X-Request-ID"]
    code: str = body["error_code"]
    return code
