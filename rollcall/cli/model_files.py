"""`rollcall models download`, `verify` and `remove`: the files of model packs."""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

from rollcall.cli.noting import note
from rollcall.cli.progress_bars import ProgressBars
from rollcall.core.audit import Action
from rollcall.core.errors import InvalidRequest
from rollcall.core.settings import Settings
from rollcall.modelstore.catalog import OFFICIAL_PACKS, Pack, official, present
from rollcall.modelstore.download import DownloadFailed, download
from rollcall.modelstore.errors import PackMissing
from rollcall.modelstore.model_folder import packs_in
from rollcall.modelstore.removal import remove_pack
from rollcall.modelstore.verification import Origin, VerifiedPack, verify


def add_actions(actions: Any) -> None:
    """Add the three to the actions of `rollcall models`."""
    fetch = actions.add_parser(
        "download",
        help="fetch an official pack",
        description="Fetch an official pack into MODEL_DIR. A download that was broken off goes on.",
    )
    fetch.add_argument("name", metavar="NAME", help=", ".join(OFFICIAL_PACKS))
    fetch.set_defaults(run=_download)
    check = actions.add_parser(
        "verify",
        help="read packs through, and show their SHA-256",
        description="Read the files of one pack, or of all in MODEL_DIR, and show what they are. Fails if "
        "one has changed since it was first read, cannot be read, or is not what its name promises.",
    )
    check.add_argument("name", metavar="NAME", nargs="?")
    check.set_defaults(run=_verify)
    delete = actions.add_parser(
        "remove",
        help="delete a pack's files",
        description="Delete a pack from MODEL_DIR, and what has come of a download of it. Does not ask.",
    )
    delete.add_argument("name", metavar="NAME")
    delete.set_defaults(run=remove)


async def _download(options: argparse.Namespace, settings: Settings) -> int:
    """Raises InvalidRequest: there is no such official pack."""
    pack = official(options.name)
    if pack is None:
        raise InvalidRequest(
            f"There is no official pack {options.name}; there are {', '.join(OFFICIAL_PACKS)}."
        )
    return await download_shown(pack, settings)


async def download_shown(pack: Pack, settings: Settings) -> int:
    """Fetch a pack, with a bar in a terminal, and say how it went; returns the exit status."""
    if await asyncio.to_thread(present, settings.model_dir, pack.name):
        print(f"{pack.name} is in MODEL_DIR already.")
        return 0
    try:
        with ProgressBars() as bars:
            await download(
                pack,
                model_dir=settings.model_dir,
                mirror=settings.model_mirror_url,
                progress=partial(bars, pack.name),
            )
    except DownloadFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    print(f"{pack.name} is in MODEL_DIR. Its licence: {pack.licence}.")
    await note(settings, Action.MODEL_FETCHED, model=pack.name)
    return 0


async def _verify(options: argparse.Namespace, settings: Settings) -> int:
    """One line a file: pack, origin, SHA-256, file name."""
    names = [options.name] if options.name else await asyncio.to_thread(packs_in, settings.model_dir)
    if not names:
        print("There is no model pack in MODEL_DIR.")
    status = 0
    for name in names:
        try:
            pack = await asyncio.to_thread(verify, settings.model_dir, name, fully=True)
        except PackMissing as missing:
            print(missing, file=sys.stderr)
            status = 1
            continue
        for file in pack.files:
            print(f"{pack.name}  {pack.origin}  {file.sha256}  {file.name}")
        for problem in _problems(pack):
            print(problem, file=sys.stderr)
            status = 1
    return status


def _problems(pack: VerifiedPack) -> Iterator[str]:
    again = f"`rollcall models remove {pack.name}`, then `rollcall models download {pack.name}`"
    for file in pack.unreadable:
        yield f"{pack.name}: {file} cannot be read."
    for file in pack.changed:
        yield f"{pack.name}: {file} has other bytes than when it was first read; replace it if you did not."
    if pack.origin is Origin.ALTERED:
        yield f"{pack.name} does not have the official files of this name; {again} brings them."


async def remove(options: argparse.Namespace, settings: Settings) -> int:
    """Raises InvalidRequest: as remove_pack."""
    await asyncio.to_thread(remove_pack, settings.model_dir, options.name)
    print(f"{options.name} is removed.")
    await note(settings, Action.MODEL_REMOVED, model=options.name)
    return 0
