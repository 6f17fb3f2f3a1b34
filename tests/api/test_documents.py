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


def test_every_error_has_a_status() -> None:
    assert set(STATUS) == set(leaves(errors.RollcallError))


def test_error_codes_are_unique() -> None:
    # But for special cases of an error, which callers need not tell from it.
    codes = [kind.code for kind in STATUS if kind.__base__ is errors.RollcallError]
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
    for path, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        name = content.get("application/json", {}).get("schema", {}).get("$ref", "").split("/")[-1]
        schema = document["components"]["schemas"].get(name, {"properties": {}})
        if "image_base64" in schema["properties"]:
            form = content["multipart/form-data"]["schema"]["properties"]
            assert form["image"]["format"] == "binary", path


def test_the_docs_load_nothing_from_elsewhere(api: httpx.Client) -> None:
    page = api.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert asset in page
        assert api.get(f"/static-offline-docs/{asset}").status_code == 200
