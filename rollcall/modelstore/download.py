"""Fetches a pack's archive and puts its two networks below MODEL_DIR, whole or not at all."""

import asyncio
import errno
import hashlib
import logging
import lzma
import os
import re
import shutil
import ssl
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar
from uuid import uuid4
from zipfile import BadZipFile, ZipFile, ZipInfo

import httpx

from rollcall.modelstore.catalog import Pack, PackFile, present

P = ParamSpec("P")
T = TypeVar("T")

_CHUNK_BYTES = 2**20
_STALE_SECONDS = 24 * 3600
_WORKSPACE = re.compile(r"\..+\.[0-9a-f]{32}\.partial")
_BAD_ARCHIVE = (BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError)
# The later ones come, unwrapped, from addresses that parse but cannot exist, and from connections torn down.
_NETWORK_ERRORS = (
    httpx.HTTPError,
    httpx.InvalidURL,
    ssl.SSLError,
    ConnectionError,
    ValueError,
    OverflowError,
    ExceptionGroup,
)

_log = logging.getLogger(__name__)
# httpx logs every address in full, and a mirror's may hold a password or a token.
logging.getLogger("httpx").setLevel(logging.WARNING)


class DownloadFailed(Exception):
    """A pack could not be had. The text is for the operator, and holds no secrets."""


class _AddressFailed(Exception):
    """One address did not give the archive; the next one may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a download may take and how large it may become."""

    connect_seconds: float = 10
    read_seconds: float = 30
    total_seconds: float = 3600
    max_archive_bytes: int = 600 * 10**6
    max_unpacked_bytes: int = 600 * 10**6


DEFAULT_LIMITS = Limits()


async def download(
    pack: Pack, *, model_dir: Path, mirror: str | None, limits: Limits = DEFAULT_LIMITS
) -> None:
    """Put the pack into MODEL_DIR; nothing happens if it is there already.

    Everything is written to a hidden folder first, which is removed however this ends.

    Raises:
        DownloadFailed: the text says why.
    """
    addresses = _addresses(pack, mirror)
    workspace = model_dir / f".{pack.name}.{uuid4().hex}.partial"
    try:
        async with asyncio.timeout(limits.total_seconds):
            if await _in_thread(present, model_dir, pack.name):
                return
            await _in_thread(_prepare, workspace, model_dir / pack.name)
            await _fetch_from_any(addresses, pack, workspace / "archive", limits)
            await _in_thread(
                _unpack, workspace / "archive", workspace / "pack", pack, limits.max_unpacked_bytes
            )
            await _in_thread(_install, workspace / "pack", model_dir / pack.name)
            _log.info("Model pack %s is downloaded.", pack.name)
    except TimeoutError:
        raise DownloadFailed(
            f"Downloading {pack.name} took longer than {limits.total_seconds:.0f} seconds."
        ) from None
    except OSError as error:
        raise DownloadFailed(disk_problem(error)) from None
    finally:
        await _in_thread(shutil.rmtree, workspace, ignore_errors=True)


def disk_problem(error: OSError) -> str:
    """What went wrong in MODEL_DIR, without the path."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk of MODEL_DIR is full."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "MODEL_DIR cannot be written to."
    return f"MODEL_DIR cannot be used: {error.strerror or 'unknown error'}."


async def _in_thread(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Like asyncio.to_thread, but a cancelled caller waits for the end of the work.

    Otherwise a thread would go on writing into the workspace while, or after, it is removed.
    """
    future = asyncio.get_running_loop().run_in_executor(None, lambda: work(*args, **kwargs))
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        future.exception()  # Looked at, so that asyncio does not report it as forgotten.
        raise cancelled
    return future.result()


# Fetching


def _addresses(pack: Pack, mirror: str | None) -> Sequence[httpx.URL]:
    try:
        addresses = [httpx.URL(address) for address in pack.addresses(mirror)]
    except (ValueError, httpx.InvalidURL):
        addresses = []
    if not addresses or any(url.scheme not in ("http", "https") or not url.host for url in addresses):
        raise DownloadFailed("MODEL_MIRROR_URL is not a usable http:// or https:// address.")
    return addresses


async def _fetch_from_any(addresses: Sequence[httpx.URL], pack: Pack, archive: Path, limits: Limits) -> None:
    problems: list[str] = []
    async with _client(limits) as client:
        for address in addresses:
            _log.info("Downloading model pack %s from %s.", pack.name, _host(address))
            try:
                return await _fetch(client, address, archive, pack.archive.sha256, limits.max_archive_bytes)
            except _AddressFailed as failure:
                problems.append(str(failure))
            except _NETWORK_ERRORS as error:
                problems.append(_network_problem(error, address))
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


async def _fetch(
    client: httpx.AsyncClient, address: httpx.URL, archive: Path, sha256: str, max_bytes: int
) -> None:
    digest = hashlib.sha256()
    size = 0

    def append(chunk: bytes) -> None:
        digest.update(chunk)
        with archive.open("ab") as file:
            file.write(chunk)

    await _in_thread(archive.write_bytes, b"")
    async with client.stream("GET", address) as response:
        host = _host(response.url)
        if response.status_code != httpx.codes.OK:
            raise _AddressFailed(f"{host} answers with HTTP status {response.status_code}")
        async for chunk in response.aiter_raw(_CHUNK_BYTES):
            size += len(chunk)
            if size > max_bytes:
                raise _AddressFailed(f"the file at {host} is larger than {max_bytes} bytes")
            await _in_thread(append, chunk)
    if digest.hexdigest() != sha256:
        raise _AddressFailed(f"the file at {host} is not the right one, its SHA-256 differs")


def _host(address: httpx.URL) -> str:
    """Host and port: user, password, path and query may be secret."""
    return address.netloc.decode("ascii", "replace")


def _network_problem(error: Exception, address: httpx.URL) -> str:
    # After a redirect the failing host is another one, which a firewall may have to let through.
    if isinstance(error, httpx.RequestError):
        with suppress(RuntimeError):  # httpx raises it where the error knows no request.
            address = error.request.url
    host = _host(address)
    if any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
        return f"no trusted TLS connection to {host} can be made"
    match error:
        case httpx.ProxyError():
            return f"the proxy gives no connection to {host}"
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return f"{host} cannot be reached"
        case httpx.TimeoutException():
            return f"{host} stopped answering"
        case httpx.TooManyRedirects():
            return f"{host} redirects without end"
        case httpx.NetworkError() | httpx.ProtocolError() | ConnectionError():
            return f"{host} broke the connection off"
        case _:
            return f"{host} is, or redirects to, an address that cannot be used"


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


# Files; all of it blocks


def _prepare(workspace: Path, destination: Path) -> None:
    workspace.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(workspace.parent)
    if _in_the_way(destination):
        raise DownloadFailed(_is_in_the_way(destination))
    workspace.mkdir()


def _remove_stale(model_dir: Path) -> None:
    """Remove what killed processes left behind. No download lasts a day, so nobody works there any more."""
    newest = time.time() - _STALE_SECONDS
    for path in model_dir.iterdir():
        with suppress(OSError):
            if _WORKSPACE.fullmatch(path.name) and path.lstat().st_mtime < newest:
                shutil.rmtree(path)


def _in_the_way(destination: Path) -> bool:
    if destination.is_dir():
        return any(destination.iterdir())
    return os.path.lexists(destination)


def _is_in_the_way(destination: Path) -> str:
    return f"{destination.name} is in MODEL_DIR already but lacks its .onnx files: complete or remove it."


def _unpack(archive: Path, folder: Path, pack: Pack, max_bytes: int) -> None:
    """Extract the two networks, and only these. No path in the archive is used, only the names we know."""
    folder.mkdir()
    try:
        with ZipFile(archive) as opened:
            for wanted in (pack.detector, pack.recogniser):
                max_bytes -= _extract(opened, wanted, folder, max_bytes)
    except _BAD_ARCHIVE:
        raise DownloadFailed(f"{pack.archive.name} is damaged.") from None
    _sync(folder)


def _extract(opened: ZipFile, wanted: PackFile, folder: Path, max_bytes: int) -> int:
    digest = hashlib.sha256()
    size = 0
    with opened.open(_member(opened, wanted.name)) as packed, (folder / wanted.name).open("xb") as file:
        while chunk := packed.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > max_bytes:
                raise DownloadFailed(f"{wanted.name} in the archive is larger than it may be.")
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != wanted.sha256:
        raise DownloadFailed(f"{wanted.name} in the archive is not the right file, its SHA-256 differs.")
    return size


def _member(opened: ZipFile, name: str) -> ZipInfo:
    """The file of this name, in whichever folder of the archive, the uppermost if there are several."""
    members = [member for member in opened.infolist() if member.filename.rpartition("/")[2] == name]
    if not members:
        raise DownloadFailed(f"{name} is not in the archive.")
    return min(members, key=lambda member: member.filename.count("/"))


def _install(folder: Path, destination: Path) -> None:
    try:
        folder.rename(destination)
    except OSError:
        if present(destination.parent, destination.name):
            return  # Another process was faster.
        if _in_the_way(destination):
            raise DownloadFailed(_is_in_the_way(destination)) from None
        raise
    _sync(destination.parent)


def _sync(folder: Path) -> None:
    """Make the names in a folder survive a power cut. Not every file system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
