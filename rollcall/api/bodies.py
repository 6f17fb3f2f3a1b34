"""Request bodies, as JSON or as a form, of limited size, into schemas."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request
from pydantic import ValidationError
from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect
from starlette.types import Message

from rollcall.api.body_budget import Body
from rollcall.api.errors import HungUp, invalid
from rollcall.api.schemas.common import MAX_PICTURE_BYTES, SchemaIn
from rollcall.core.errors import ImageTooLarge, InvalidRequest

S = TypeVar("S", bound=SchemaIn)

# Base64 makes 4 bytes of 3; the rest is for the other fields.
MAX_BODY_BYTES = MAX_PICTURE_BYTES * 4 // 3 + 256 * 1024
MAX_BATCH_BODY_BYTES = 100 * 1024 * 1024
MAX_BODY_SECONDS = 60.0
MAX_FORM_FIELDS = 20
MAX_FORM_FILES = 2

# Starlette would write what is longer than 1 MB to a file in the temp folder. Of bodies in memory BodyBudget
# keeps account, and faces are to lie on no disk but the database's.
MultiPartParser.spool_max_size = MAX_BODY_BYTES


def body_of(schema: type[S], *, max_bytes: int = MAX_BODY_BYTES) -> Callable[[Request], Awaitable[S]]:
    """A FastAPI dependency that reads the request's body as this schema.

    Raises:
        InvalidRequest: it is neither JSON nor a form, or the fields are wrong.
        ImageTooLarge: it is longer than `max_bytes`.
        Overloaded: it is more than `BodyBudget` has left.
        HungUp: the caller did, while sending.
    """

    async def read(request: Request) -> S:
        body: Body = request.state.body
        limited = Request(request.scope, _limited(request, body, max_bytes))
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        # Where the request's deadline passes meanwhile, it is the caller who was too slow.
        request.state.body_is_awaited = True
        try:
            with body.under_way():
                async with asyncio.timeout(MAX_BODY_SECONDS):
                    content = await _content(limited, kind)
            request.state.body_is_awaited = False
            if isinstance(content, bytes):
                return schema.model_validate_json(content)
            return schema.model_validate(content)
        except ValidationError as error:
            raise invalid(error) from None
        except TimeoutError:
            raise InvalidRequest("The request's body did not arrive in time.") from None
        except ClientDisconnect:
            raise HungUp from None

    return read


def _limited(request: Request, body: Body, max_bytes: int) -> Callable[[], Awaitable[Message]]:
    """The request's `receive`, which raises ImageTooLarge or Overloaded as soon as too much has come."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit():
        if int(declared) > max_bytes:
            raise ImageTooLarge("The request is too large.", max_bytes=max_bytes)
        body.expect(int(declared))

    async def receive() -> Message:
        message = await request.receive()
        size = len(message.get("body", b""))
        if body.held_bytes + size > max_bytes:
            raise ImageTooLarge("The request is too large.", max_bytes=max_bytes)
        body.take(size)
        return message

    return receive


async def _content(request: Request, kind: str) -> bytes | dict[str, Any]:
    if kind == "multipart/form-data":
        return await _form(request)
    if kind == "application/json":
        return await request.body()
    raise InvalidRequest("Send Content-Type application/json or multipart/form-data.")


async def _form(request: Request) -> dict[str, Any]:
    """Form fields by name; the file `image` becomes `image_base64`, `image1` and `image2` likewise."""
    try:
        async with request.form(
            max_files=MAX_FORM_FILES, max_fields=MAX_FORM_FIELDS, max_part_size=MAX_BODY_BYTES
        ) as form:
            fields: dict[str, Any] = {}
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    fields[f"{name}_base64"] = await value.read()
                elif value != "":
                    # An empty field of an HTML form stands for an absent one.
                    fields[name] = value
            return fields
    except (HTTPException, MultiPartException, FormParserError, ValueError):
        # ValueError: a charset that cannot decode.
        raise InvalidRequest("The form cannot be read.") from None
