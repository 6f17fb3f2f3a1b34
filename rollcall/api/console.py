"""/console/: the files of the web console."""

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response

from rollcall.core.errors import NotFound

FOLDER: Final = Path(__file__).resolve().parents[1] / "console"
_INDEX: Final = "index.html"
# Names that lead nowhere else: none begins with a dot, or is longer than a file's can be.
_PLAIN: Final = re.compile(r"([A-Za-z0-9_-][A-Za-z0-9._-]{0,99}/){0,5}[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
# Not by the system's table, which differs from one to the next. What is not named here is not served.
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/vnd.microsoft.icon",
    ".woff2": "font/woff2",
    ".wav": "audio/wav",
    ".txt": "text/plain; charset=utf-8",
}
# Its own files and pictures that it makes itself; nothing that stands in a page is carried out.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; media-src 'self' blob:; font-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# Kept, but asked for anew each time: after an update no page runs with scripts of the former version.
_ALWAYS_ASK: Final = "no-cache"


def install_console(app: FastAPI) -> None:
    """Serve the console, and lead there whoever opens the server's address in a browser."""
    app.add_route("/", from_root, include_in_schema=False)
    app.add_route("/console", to_console, include_in_schema=False)
    app.add_route("/console/{path:path}", console_file, include_in_schema=False)


async def from_root(request: Request) -> Response:
    """The same, as a route of its own in metrics and logs."""
    return await to_console(request)


async def to_console(_request: Request) -> Response:
    """By a relative address, which also leads there behind a proxy that has put a prefix before ours."""
    return RedirectResponse("console/")


async def console_file(request: Request) -> Response:
    """A file of the console; 304 where the caller has it already."""
    found = await asyncio.to_thread(_read, request.path_params["path"] or _INDEX)
    if found is None:
        raise NotFound
    content, kind = found
    headers = {
        "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        "Cache-Control": _ALWAYS_ASK,
        "Content-Security-Policy": _POLICY,
    }
    if _is_known(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)


def _read(path: str) -> tuple[bytes, str] | None:
    """A file below FOLDER and its type; None where there is none, or none that is meant to be served."""
    kind = TYPES.get(Path(path).suffix)
    if kind is None or _PLAIN.fullmatch(path) is None:
        return None
    try:
        return (FOLDER / path).read_bytes(), kind
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


def _is_known(if_none_match: str, etag: str) -> bool:
    """Whether a caller's list of what it has contains this; a proxy may have made a tag weak."""
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in tags or etag in tags
