"""Files of forms, as Starlette keeps them while they are read."""

import asyncio

import pytest
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.types import Message

from rollcall.api.bodies import MAX_BODY_BYTES
from rollcall.api.schemas.common import MAX_PICTURE_BYTES

PIECE_BYTES = 64 * 1024
HEAD = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'


def request_with(picture: bytes) -> Request:
    """Its body comes in pieces, as from a network."""
    body = HEAD + picture + b"\r\n--b--\r\n"
    starts = iter(range(0, len(body), PIECE_BYTES))

    async def receive() -> Message:
        start = next(starts)
        piece = body[start : start + PIECE_BYTES]
        return {"type": "http.request", "body": piece, "more_body": start + PIECE_BYTES < len(body)}

    headers = [(b"content-type", b"multipart/form-data; boundary=b")]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


@pytest.mark.parametrize(
    ("size", "is_in_memory"),
    [(MAX_PICTURE_BYTES, True), (MAX_BODY_BYTES + 1, False)],
    ids=["picture", "more"],
)
def test_no_picture_lies_in_a_file_for_a_moment(size: int, is_in_memory: bool) -> None:
    async def scenario() -> None:
        async with request_with(bytes(size)).form() as form:
            file = form["image"]
            assert isinstance(file, UploadFile)
            assert file.size == size
            assert file._in_memory is is_in_memory

    asyncio.run(scenario())
