"""Fetches a pack's archive over HTTP: on from where an earlier try ended, and again where that may help."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

import httpx

from rollcall.modelstore import answer_headers
from rollcall.modelstore.catalog import Pack
from rollcall.modelstore.errors import DownloadFailed
from rollcall.modelstore.limits import Limits
from rollcall.modelstore.model_folder import require_room
from rollcall.modelstore.network_problems import NETWORK_ERRORS, host_of, in_words, may_pass
from rollcall.modelstore.partial_archive import PartialArchive, Source
from rollcall.modelstore.threads import in_thread

# Called in the event loop with the bytes so far and, where the server says it, how many there are in all.
Progress: TypeAlias = Callable[[int, int | None], None]

_PROGRESS_SECONDS: Final = 0.2
_PASSING: Final = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)

_log = logging.getLogger(__name__)
# httpx logs every address in full, and a mirror's may hold a password or a token.
logging.getLogger("httpx").setLevel(logging.WARNING)


class _AddressFailed(Exception):
    """One address did not give the archive; the next one may."""


class _TryAgain(_AddressFailed):
    """The same address may give it soon, after `wait_seconds` at the least."""

    def __init__(self, text: str, wait_seconds: float = 0) -> None:
        super().__init__(text)
        self.wait_seconds = wait_seconds


class _BeginAnew(_AddressFailed):
    """What had come does not go together with what the server has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    pack: Pack
    partial: PartialArchive
    limits: Limits
    progress: Progress


def usable_addresses(pack: Pack, mirror: str | None) -> Sequence[httpx.URL]:
    """Where the archive may lie.

    Raises:
        DownloadFailed: the mirror's address is none.
    """
    try:
        addresses = [httpx.URL(address) for address in pack.addresses(mirror)]
    except (ValueError, httpx.InvalidURL):
        addresses = []
    if not addresses or any(url.scheme not in ("http", "https") or not url.host for url in addresses):
        raise DownloadFailed("MODEL_MIRROR_URL is not a usable http:// or https:// address.")
    return addresses


async def fetch(
    addresses: Sequence[httpx.URL],
    pack: Pack,
    partial: PartialArchive,
    *,
    limits: Limits,
    progress: Progress,
) -> None:
    """Make the partial archive whole.

    Raises:
        DownloadFailed: no address gave it; what has come is left for the next try.
        OSError: it cannot be written.
    """
    job = _Job(pack=pack, partial=partial, limits=limits, progress=progress)
    problems: list[str] = []
    async with _client(limits) as client:
        for address in addresses:
            _log.info("Downloading model pack %s from %s.", pack.name, host_of(address))
            try:
                return await _fetch_from(client, address, job)
            except _AddressFailed as failure:
                problems.append(str(failure))
    # Both releases lie on one host: what is wrong with both is said once.
    raise DownloadFailed(f"{pack.name} cannot be downloaded: {'; '.join(dict.fromkeys(problems))}.")


def _client(limits: Limits) -> httpx.AsyncClient:
    timeout = httpx.Timeout(limits.read_seconds, connect=limits.connect_seconds)
    # The checksum is that of the stored bytes, so nobody shall compress them on the way.
    headers = {"Accept-Encoding": "identity"}
    try:
        return httpx.AsyncClient(follow_redirects=True, timeout=timeout, headers=headers)
    except (ValueError, ImportError, OSError, httpx.InvalidURL):
        # Its text may quote the proxy's address with its password.
        raise DownloadFailed("The proxy or certificate variables of the environment are wrong.") from None


async def _fetch_from(client: httpx.AsyncClient, address: httpx.URL, job: _Job) -> None:
    """Try one address until the archive is whole, or nothing new has come for some tries."""
    pauses = iter(job.limits.retry_pauses_seconds)
    furthest = job.partial.size
    may_begin_anew = True
    while not job.partial.is_whole():
        try:
            await _fetch_once(client, address, job)
        except _TryAgain as failure:
            if job.partial.is_whole():
                return  # The server said a wrong length, and has given all.
            if job.partial.size > furthest:
                furthest, pauses = job.partial.size, iter(job.limits.retry_pauses_seconds)
            await _pause(next(pauses, None), failure)
        except _BeginAnew:
            await in_thread(job.partial.empty)
            if not may_begin_anew:
                raise
            may_begin_anew = False
            furthest, pauses = 0, iter(job.limits.retry_pauses_seconds)
            _log.info("The download of model pack %s begins anew.", job.pack.name)


async def _pause(seconds: float | None, failure: _TryAgain) -> None:
    if seconds is None:
        raise failure
    seconds = max(seconds, failure.wait_seconds)
    _log.info("The download is tried again in %.0f seconds: %s.", seconds, failure)
    await asyncio.sleep(seconds)


async def _fetch_once(client: httpx.AsyncClient, address: httpx.URL, job: _Job) -> None:
    """Ask for what is missing, and append what comes."""
    partial = job.partial
    headers = _resuming_headers(partial, address)
    try:
        async with client.stream("GET", address, headers=headers) as response:
            total = await _accept(response, address, job)
            await _append_all(response, total, job)
    except NETWORK_ERRORS as error:
        problem = in_words(error, address)
        raise (_TryAgain(problem) if may_pass(error) else _AddressFailed(problem)) from None
    if partial.is_whole():
        return
    host = host_of(response.url)
    if total is not None and partial.size < total:
        raise _TryAgain(f"{host} broke the connection off")
    kind = _BeginAnew if partial.resumed else _AddressFailed
    await in_thread(partial.empty)
    raise kind(f"the file at {host} is not the right one, its SHA-256 differs")


def _resuming_headers(partial: PartialArchive, address: httpx.URL) -> Mapping[str, str]:
    if partial.size == 0:
        return {}
    headers = {"Range": f"bytes={partial.size}-"}
    source = partial.source
    # Another server calls the same file otherwise; there, only the checksum tells.
    if source is not None and source.validator is not None and source.address == _digest_of(address):
        headers["If-Range"] = source.validator
    return headers


async def _accept(response: httpx.Response, address: httpx.URL, job: _Job) -> int | None:
    """Look at the answer's head; returns how many bytes the archive has in all, if the server says it."""
    partial = job.partial
    match response.status_code:
        case HTTPStatus.OK:
            await in_thread(partial.empty)
            total = answer_headers.length(response.headers)
        case HTTPStatus.PARTIAL_CONTENT if partial.size > 0:
            total = _total_of_part(response, partial.size)
            partial.resumed = True
        case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE if partial.size > 0:
            raise _BeginAnew(f"{host_of(response.url)} has less than it sent before")
        case _:
            raise _refusal(response, job.limits)
    if total is not None:
        if total > job.limits.max_archive_bytes:
            raise _too_large(response, job.limits)
        # The networks in it take about as much again.
        await in_thread(require_room, partial.file.parent, total - partial.size + total)
    source = Source(
        wanted=job.pack.archive.sha256,
        address=_digest_of(address),
        validator=answer_headers.validator(response.headers),
    )
    await in_thread(partial.comes_from, source)
    return total


async def _append_all(response: httpx.Response, total: int | None, job: _Job) -> None:
    told = 0.0
    try:
        async for chunk in response.aiter_raw():
            if job.partial.size + len(chunk) > job.limits.max_archive_bytes:
                await in_thread(job.partial.empty)
                raise _too_large(response, job.limits)
            await in_thread(job.partial.append, chunk)
            if time.monotonic() - told > _PROGRESS_SECONDS:
                job.progress(job.partial.size, total)
                told = time.monotonic()
    finally:
        job.progress(job.partial.size, total)


def _refusal(response: httpx.Response, limits: Limits) -> _AddressFailed:
    host, status = host_of(response.url), response.status_code
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return _AddressFailed(f"the proxy on the way to {host} wants another user and password")
    text = f"{host} answers with HTTP status {status}"
    if status in _PASSING or response.is_server_error:
        return _TryAgain(
            text, min(answer_headers.asked_wait_seconds(response.headers), limits.retry_after_seconds)
        )
    return _AddressFailed(text)


def _too_large(response: httpx.Response, limits: Limits) -> _AddressFailed:
    return _AddressFailed(
        f"the file at {host_of(response.url)} is larger than {limits.max_archive_bytes} bytes"
    )


def _total_of_part(response: httpx.Response, begin: int) -> int | None:
    part = answer_headers.part(response.headers)
    if part is None or part[0] != begin:
        raise _BeginAnew(f"{host_of(response.url)} sends another part of the file than was asked for")
    return part[1]


def _digest_of(address: httpx.URL) -> str:
    # A token in the query may be another one each time, and is not what the file depends on.
    return hashlib.sha256(str(address.copy_with(query=None, userinfo=b"")).encode()).hexdigest()
