"""Requests that are answered before their body was read."""

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# So much is read and dropped for the connection's sake; it has mostly arrived with the headers.
KEPT_BYTES: Final = 64 * 1024
# Whoever still sends when the connection is closed may lose the answer, so it is closed a little later: a
# picture that is too large arrives within this.
LINGER_BYTES: Final = 16 * 1024 * 1024
LINGER_SECONDS: Final = 5.0


class CloseUnread:
    """Closes the connection of a caller who was answered while sending.

    uvicorn would read on to the end of the body, however long it is, to keep the connection. Must be the
    first to see a request: for the others it is over with the last byte of the answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _may_be_long(scope):
            await self._app(scope, receive, send)
            return
        body = _Body(receive)
        closing = False

        async def send_and_close(message: Message) -> None:
            nonlocal closing
            if message["type"] == "http.response.start" and not body.complete:
                closing = True
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            if closing and message["type"] == "http.response.body" and not message.get("more_body", False):
                # The answer goes out; what ends it, and with it the connection, follows.
                await send({**message, "more_body": True})
                await body.drop_the_rest()
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        await self._app(scope, body.receive, send_and_close)


class _Body:
    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.complete = False

    async def receive(self) -> Message:
        message = await self._receive()
        self.complete = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def drop_the_rest(self) -> None:
        dropped = 0
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while not self.complete and dropped <= LINGER_BYTES:
                    dropped += len((await self.receive()).get("body", b""))
        except TimeoutError:
            return


def _may_be_long(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    if "transfer-encoding" in headers:
        return True
    declared = headers.get("content-length", "0")
    return not declared.isdigit() or int(declared) > KEPT_BYTES
