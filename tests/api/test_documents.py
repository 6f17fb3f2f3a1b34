"""The OpenAPI document and /docs."""

from collections.abc import Iterator
from typing import Any

import httpx
from openapi_spec_validator import validate

from rollcall.api.errors import STATUS
from rollcall.core import errors

SERVICE_PATHS = {"/api/health"}


def leaves(base: type[errors.RollcallError]) -> Iterator[type[errors.RollcallError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from leaves(kind)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            yield path, operation


def schema_of(document: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    """The schema to which a body's content refers; empty if it refers to none."""
    name = content.get("schema", {}).get("$ref", "").split("/")[-1]
    found: dict[str, Any] = document["components"]["schemas"].get(name, {})
    return found


def test_every_error_has_a_status() -> None:
    assert set(STATUS) == set(leaves(errors.RollcallError))


def test_error_codes_are_unique() -> None:
    # A kind that callers need not tell from its parent has that one's.
    codes = [kind.code for kind in STATUS if "code" in vars(kind)]
    assert len(codes) == len(set(codes))


def test_the_document_is_valid_openapi(api: httpx.Client) -> None:
    validate(api.get("/openapi.json").json())


def test_every_field_has_a_description_and_an_example(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    bare = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, found in schema.get("properties", {}).items()
        if not found.get("description") or not ("examples" in found or "$ref" in found or "const" in found)
    ]
    assert bare == []
    for path, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (path, parameter["name"])
            assert "examples" in parameter["schema"], (path, parameter["name"])


def test_every_operation_lists_its_errors(api: httpx.Client) -> None:
    for path, operation in operations(api.get("/openapi.json").json()):
        assert operation["summary"]
        if path not in SERVICE_PATHS:
            assert {"401", "403", "429", "500", "503"} <= set(operation["responses"]), path


def test_every_picture_can_be_sent_as_a_form(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    found = 0
    for path, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        schema = schema_of(document, content.get("application/json", {}))
        if "image_base64" in schema.get("properties", {}):
            form = schema_of(document, content["multipart/form-data"])
            assert form["properties"]["image"]["format"] == "binary", path
            found += 1
    assert found >= 8


def test_every_operation_has_a_name_of_its_own(api: httpx.Client) -> None:
    names = [operation["operationId"] for _, operation in operations(api.get("/openapi.json").json())]
    assert len(names) == len(set(names))
    assert {"enroll", "recognize", "health"} < set(names)


def test_the_docs_load_nothing_from_elsewhere(api: httpx.Client) -> None:
    page = api.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert asset in page
        assert api.get(f"/static-offline-docs/{asset}").status_code == 200
