"""Uploads that are too large for memory: a form whose files go to the disk while they arrive."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from fastapi import Request
from pydantic import ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from rollcall.api.body_budget import Body
from rollcall.api.deps import workflows
from rollcall.api.errors import HungUp, invalid
from rollcall.api.schemas.jobs import ImportIn
from rollcall.core.errors import InvalidRequest, Overloaded
from rollcall.core.jobs import Upload

# Each may fill the disk.
MAX_UPLOADS: Final = 4
_WRITE_BYTES: Final = 1024 * 1024
_MAX_FIELD_BYTES: Final = 1000
_FILES: Final = ("photos", "csv")
_UNREADABLE: Final = "The form cannot be read."
_FIELDS: Final = tuple(ImportIn.model_fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedImport:
    """A form that has arrived whole. The upload is discarded unless somebody takes it over."""

    wish: ImportIn
    upload: Upload


class UploadPlaces:
    """How many uploads may be under way."""

    def __init__(self, places: int = MAX_UPLOADS) -> None:
        self._free = places

    def take(self) -> None:
        if not self._free:
            raise Overloaded("Too many uploads are under way.")
        self._free -= 1

    def leave(self) -> None:
        self._free += 1


async def received_import(request: Request) -> AsyncIterator[ReceivedImport]:
    """A FastAPI dependency that reads the form of an import.

    Raises:
        InvalidRequest: it is no form, or the fields are wrong.
        ImageTooLarge, StorageFull: as core.jobs.Upload.
        Overloaded: too many uploads are under way.
        HungUp: the caller did, while sending.
    """
    form = _form(request)
    uploads = workflows(request).import_jobs.uploads
    places: UploadPlaces = request.app.state.upload_places
    declared = request.headers.get("content-length", "")
    places.take()
    try:
        upload = await asyncio.to_thread(uploads.begin, int(declared) if declared.isdigit() else None)
        try:
            await _receive(request, form, upload)
            yield ReceivedImport(wish=_wish(form), upload=upload)
        except BaseException:
            with suppress(asyncio.CancelledError):
                await asyncio.shield(asyncio.to_thread(upload.discard))
            raise
    finally:
        places.leave()


def _form(request: Request) -> "_Form":
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise InvalidRequest("Send Content-Type multipart/form-data with a zip in the field photos.")
    try:
        return _Form(options[b"boundary"])
    except FormParserError:
        raise InvalidRequest(_UNREADABLE) from None


async def _receive(request: Request, form: "_Form", upload: Upload) -> None:
    body: Body = request.state.body
    # Where the request's deadline passes meanwhile, it is the caller who was too slow.
    request.state.body_is_awaited = True
    try:
        with body.under_way():
            async for chunk in request.stream():
                form.feed(chunk)
                if form.held_bytes >= _WRITE_BYTES:
                    await asyncio.to_thread(form.write, upload)
        form.finish()
        await asyncio.to_thread(form.write, upload)
    except FormParserError:
        raise InvalidRequest(_UNREADABLE) from None
    except ClientDisconnect:
        raise HungUp from None
    request.state.body_is_awaited = False


def _wish(form: "_Form") -> ImportIn:
    if "photos" not in form.files:
        raise InvalidRequest("The form must have a zip in the field photos.")
    if "csv" in form.empty:
        raise InvalidRequest("The list in the field csv is empty.", field="csv")
    try:
        return ImportIn.model_validate({name: text for name, text in form.fields.items() if text != ""})
    except ValidationError as error:
        raise invalid(error) from None


@dataclass(slots=True)
class _Part:
    """A part of the form under way, as far as its headers have come."""

    name: str = ""
    file_name: str = ""
    header: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)


class _Form:
    """Feed it chunks; what belongs to files is held until it is written."""

    def __init__(self, boundary: bytes) -> None:
        self.fields: dict[str, str] = {}
        self.files: set[str] = set()
        self.empty: set[str] = set()  # files with a name and without content
        self.held_bytes = 0
        self._held: list[tuple[str, bytes]] = []
        self._part = _Part()
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header,
                "on_header_value": self._value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
                "on_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        if chunk:
            self._parser.write(chunk)

    def finish(self) -> None:
        """Raises FormParserError where the end is missing."""
        self._parser.finalize()
        if not self._ended:
            raise FormParserError("the form has no end")

    def write(self, upload: Upload) -> None:
        """Bring what is held to the disk. Blocks."""
        held, self._held, self.held_bytes = self._held, [], 0
        for name in dict.fromkeys(name for name, _ in held):
            upload.write(name, b"".join(data for of, data in held if of == name))

    def _begin(self) -> None:
        self._part = _Part()

    def _header(self, data: bytes, start: int, end: int) -> None:
        self._part.header += data[start:end]

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._part.value += data[start:end]

    def _header_end(self) -> None:
        part = self._part
        if bytes(part.header).lower() == b"content-disposition":
            options = parse_options_header(bytes(part.value))[1]
            part.name = options.get(b"name", b"").decode("utf-8", "replace")
            part.file_name = options.get(b"filename", b"").decode("utf-8", "replace")
        part.header.clear()
        part.value.clear()

    def _headers_finished(self) -> None:
        name = self._part.name
        if name in self.files or name in self.fields:
            more = ": put all photos into one zip" if name == "photos" else ""
            raise InvalidRequest(f"The field {name} comes twice{more}.", field=name)
        if name in _FILES:
            self.files.add(name)
            # Browsers send a file that nobody chose as an empty one without a name.
            if self._part.file_name:
                self.empty.add(name)
        elif name in _FIELDS:
            self.fields[name] = ""

    def _data(self, data: bytes, start: int, end: int) -> None:
        name = self._part.name
        if name in _FILES:
            self.empty.discard(name)
            self._held.append((name, data[start:end]))
            self.held_bytes += end - start
        elif name in _FIELDS:
            self.fields[name] += data[start:end].decode("utf-8", "replace")
            if len(self.fields[name]) > _MAX_FIELD_BYTES:
                raise FormParserError("a field is too long")

    def _end(self) -> None:
        self._ended = True
