"""The OpenAPI document: what FastAPI cannot see of bodies and errors."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from rollcall.api.errors import STATUS
from rollcall.api.rate_limit import RATE_LIMIT_HEADERS
from rollcall.api.roles import required_role
from rollcall.api.schemas.common import ErrorOut, SchemaIn
from rollcall.core import errors as e
from rollcall.core.api_keys import Role

Document = dict[str, Any]
_REF = "#/components/schemas/{model}"

# What any endpoint behind the guards may answer.
GUARD_ERRORS = (e.Unauthorized, e.Forbidden, e.RateLimited, e.Overloaded, e.DatabaseError, e.InternalError)
PICTURE_ERRORS = (
    e.InvalidRequest,
    e.InvalidImage,
    e.UnsupportedImageFormat,
    e.ImageTooLarge,
    e.ModelNotLoaded,
)


def errors(*kinds: type[e.RollcallError]) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses` for these errors, each with an example."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for kind in sorted(set(kinds), key=lambda kind: (STATUS[kind], kind.code)):
        found = by_status.setdefault(STATUS[kind], {"model": ErrorOut, "kinds": []})
        found["kinds"].append(kind)
    return {status: _response(found["kinds"]) for status, found in by_status.items()}


def _response(kinds: list[type[e.RollcallError]]) -> dict[str, Any]:
    examples = {
        kind.code: {
            "summary": kind.summary,
            "value": {
                "success": False,
                "error_code": kind.code,
                "message": kind.summary,
                "details": {"suggestion": kind.suggestion},
            },
        }
        for kind in kinds
    }
    response: dict[str, Any] = {
        "model": ErrorOut,
        "description": " ".join(f"`{kind.code}`: {kind.summary}" for kind in kinds),
        "content": {"application/json": {"examples": examples}},
    }
    headers = {}
    if e.RateLimited in kinds or e.Overloaded in kinds:
        headers["Retry-After"] = _number("Seconds to wait before the next try.", least=1)
    if e.RateLimited in kinds:
        headers.update(RATE_LIMIT_DESCRIPTIONS)
    if e.Unauthorized in kinds:
        headers["WWW-Authenticate"] = {"description": "How to send a key.", "schema": {"type": "string"}}
    if headers:
        response["headers"] = headers
    return response


def _number(description: str, *, least: int) -> Document:
    return {"description": description, "schema": {"type": "integer", "minimum": least}}


RATE_LIMIT_DESCRIPTIONS: Document = dict(
    zip(
        RATE_LIMIT_HEADERS,
        (
            _number("Requests that a caller may make in any 60 seconds.", least=1),
            _number("How many of them are left.", least=0),
            _number("Seconds until the oldest request that counts does so no longer.", least=1),
        ),
        strict=True,
    )
)


def takes(schema: type[SchemaIn], *, form: bool = True) -> dict[str, Any]:
    """FastAPI's `openapi_extra` for a body that is read by `bodies.body_of`."""
    reference = {"$ref": _REF.format(model=schema.__name__)}
    content: dict[str, Any] = {"application/json": {"schema": reference}}
    if form:
        content["multipart/form-data"] = {"schema": {"$ref": _REF.format(model=_form_name(schema.__name__))}}
    return {"requestBody": {"required": True, "content": content}}


def _form_name(schema: str) -> str:
    return f"{schema}Form"


def _forms(schemas: Document) -> Document:
    """A form for each body with a picture, by name: generated clients make one class of each name."""
    return {
        _form_name(name): _as_form(name, schema)
        for name, schema in schemas.items()
        if any(field.endswith("_base64") for field in schema.get("properties", {}))
    }


def _as_form(name: str, schema: Document) -> Document:
    """The schema with files in place of base64 fields."""
    document = {**schema, "title": _form_name(name)}
    properties: Document = {}
    for field, described in document["properties"].items():
        if field.endswith("_base64"):
            properties[_file_name(field)] = _file(described["description"].split(":")[0])
        else:
            properties[field] = described
    document["properties"] = properties
    document["required"] = [_file_name(field) for field in document.get("required", [])]
    return document


def _file_name(field: str) -> str:
    return field.removesuffix("_base64")


def _file(what: str) -> Document:
    return {
        "type": "string",
        "format": "binary",
        "description": f"{what}: a JPEG, PNG or WebP file of at most 10 MB.",
        "examples": ["ada.jpg"],
    }


def operation_id(route: APIRoute) -> str:
    """The handler's name: what generated clients call the operation."""
    return route.name


def install_openapi(app: FastAPI) -> None:
    """Let `app.openapi()` include the schemas of the bodies, to which `takes` refers."""

    def document() -> Document:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            _, definitions = models_json_schema(
                [(schema, "validation") for schema in SchemaIn.__subclasses__()], ref_template=_REF
            )
            made["components"]["schemas"].update(definitions["$defs"], **_forms(definitions["$defs"]))
            _secure(made)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _secure(document: Document) -> None:
    document["components"]["securitySchemes"] = {
        "key": {
            "type": "apiKey",
            "in": "header",
            "name": "X-API-Key",
            "description": "Needed where the server has API_KEYS set. Each operation says which role.",
        },
        "bearer": {"type": "http", "scheme": "bearer", "description": "The same key, as a bearer token."},
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "401" in operation["responses"]:
                _guard(operation, required_role(method.upper(), path))


def _guard(operation: Document, role: Role) -> None:
    operation["security"] = [{}, {"key": []}, {"bearer": []}]
    operation["x-required-role"] = role.value
    needed = "kiosk or admin" if role is Role.KIOSK else "admin"
    said = operation.get("description", operation["summary"])
    operation["description"] = f"{said}\n\nWhere the server has keys: the role {needed}."
    done = next(answer for status, answer in operation["responses"].items() if status in ("200", "202"))
    done.setdefault("headers", {}).update(RATE_LIMIT_DESCRIPTIONS)
