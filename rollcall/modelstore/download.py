"""Fetches a pack's archive and puts its two networks below MODEL_DIR, whole or not at all."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import httpx

from rollcall.modelstore.catalog import Pack, present
from rollcall.modelstore.errors import DownloadFailed
from rollcall.modelstore.fetching import Progress, fetch, usable_addresses
from rollcall.modelstore.limits import DEFAULT_LIMITS, Limits
from rollcall.modelstore.lock import alone
from rollcall.modelstore.model_folder import check_place, disk_problem, install, lock_of, partial_of, prepare
from rollcall.modelstore.partial_archive import PartialArchive
from rollcall.modelstore.threads import in_thread
from rollcall.modelstore.unpacking import unpack

__all__ = ["DEFAULT_LIMITS", "DownloadFailed", "Limits", "Progress", "download"]

_log = logging.getLogger(__name__)


def _nobody(_done: int, _total: int | None) -> None:
    """Told of the progress where nobody asks for it."""


async def download(
    pack: Pack,
    *,
    model_dir: Path,
    mirror: str | None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = _nobody,
) -> None:
    """Put the pack into MODEL_DIR; nothing happens if it is there already.

    One process downloads, others that want the same pack wait for it. What has come stays in a hidden folder
    when this fails or is broken off, and the next download goes on from there.

    `progress` is called in the event loop, a few times a second at the most, with the archive's bytes so far
    and how many there are in all, or None where the server does not say it.

    Raises:
        DownloadFailed: the text says why.
    """
    addresses = usable_addresses(pack, mirror)
    try:
        async with asyncio.timeout(limits.total_seconds):
            if await in_thread(present, model_dir, pack.name):
                return
            await in_thread(prepare, model_dir)
            async with alone(lock_of(model_dir, pack.name)):
                # Whoever had the lock before may have brought it.
                if not await in_thread(present, model_dir, pack.name):
                    await in_thread(check_place, model_dir, pack.name)
                    await _fetch_and_install(addresses, pack, model_dir, limits, progress)
    except TimeoutError:
        raise DownloadFailed(
            f"Downloading {pack.name} took longer than {limits.total_seconds:.0f} seconds."
        ) from None
    except OSError as error:
        raise DownloadFailed(disk_problem(error)) from None


async def _fetch_and_install(
    addresses: Sequence[httpx.URL], pack: Pack, model_dir: Path, limits: Limits, progress: Progress
) -> None:
    partial = PartialArchive(partial_of(model_dir, pack.name), wanted=pack.archive.sha256)
    try:
        await in_thread(partial.open)
        await fetch(addresses, pack, partial, limits=limits, progress=progress)
        await _unpack_and_install(pack, partial, model_dir, limits)
    except OSError:
        # Whatever else lies on a full disk needs the room more than the next try does.
        await in_thread(partial.remove)
        raise
    finally:
        await in_thread(partial.close)
    _log.info("Model pack %s is downloaded.", pack.name)


async def _unpack_and_install(pack: Pack, partial: PartialArchive, model_dir: Path, limits: Limits) -> None:
    try:
        await in_thread(unpack, partial.file, partial.unpacked, pack, limits.max_unpacked_bytes)
        await in_thread(install, partial.unpacked, model_dir, pack.name)
    except DownloadFailed:
        # The next try would find the same in the same bytes.
        await in_thread(partial.remove)
        raise
    await in_thread(partial.remove)
