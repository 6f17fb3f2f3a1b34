"""What every answer says to browsers, and to callers about their rate limit."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Header = tuple[bytes, bytes]

DOCS_ASSETS: Final = "/static-offline-docs"
_EVERYWHERE: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=()"),
    # Does not touch what CORS_ORIGINS allows: it is for pages that embed an answer without asking.
    (b"cross-origin-resource-policy", b"same-origin"),
)
# An answer is data: whatever a browser takes it for, it may load nothing and run nothing.
_DATA_ONLY: Final[Header] = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_NOT_KEPT: Final[Header] = (b"cache-control", b"no-store")
# Not the school's other hosts: they are not ours.
_ONLY_TLS: Final[Header] = (b"strict-transport-security", b"max-age=31536000")


class NotTold:
    """Lets our app refuse what BentoML would tell before it: /schema.json lists what is mounted where."""

    def __init__(self, app: ASGIApp, *, ours: ASGIApp) -> None:
        self._app, self._ours = app, ours

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._ours if scope.get("path") == "/schema.json" else self._app
        await app(scope, receive, send)


class AnswerHeaders:
    """Adds what an answer does not say itself."""

    def __init__(self, app: ASGIApp, *, tls: bool) -> None:
        self._app = app
        self._headers = (*_EVERYWHERE, _DATA_ONLY, *((_ONLY_TLS,) if tls else ()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        kept = scope["path"].startswith(DOCS_ASSETS)
        wanted = self._headers if kept else (*self._headers, _NOT_KEPT)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers: list[Header] = list(message.get("headers", ()))
                said = {name for name, _ in headers}
                standing = scope.get("state", {}).get("rate_limit")
                more = wanted if standing is None else (*wanted, *standing.headers)
                message["headers"] = headers + [header for header in more if header[0] not in said]
            await send(message)

        await self._app(scope, receive, send_with_headers)
