"""`rollcall models`: which there are, and which one answers."""

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

from rollcall import compose
from rollcall.cli import model_files
from rollcall.cli.patient_database import require_database
from rollcall.cli.progress_bars import ProgressBars
from rollcall.core.errors import DatabaseError, InvalidRequest, RollcallError
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.models import ModelList, Rehearsal, StoredModel, Switch, SwitchState
from rollcall.core.settings import Settings
from rollcall.modelstore.listing import stored_models
from rollcall.workflows.announce import UP_SECONDS

_LOOK_SECONDS: Final = 0.5
_NICENESS: Final = 10  # whatever else this machine does goes first


def add_command(commands: Any) -> None:
    command = commands.add_parser(
        "models",
        help="list models, and change the one that answers",
        description="Changes of the model are made by the servers of the database; where none is up, by this "
        "command.",
    )
    actions = command.add_subparsers(required=True, metavar="ACTION")
    actions.add_parser("list", help="show each, and which one answers").set_defaults(run=_list)
    switch = actions.add_parser(
        "switch",
        help="let another model answer",
        description="Download the model where needed, embed every face that has an image, see whether "
        "everybody is still found, and then let it answer on every server at once. Recognition goes on "
        "meanwhile. What was broken off goes on when it is called again.",
    )
    switch.add_argument("name", metavar="NAME")
    switch.add_argument("--force", action="store_true", help="even if faces would be lost")
    switch.set_defaults(run=_switch)
    actions.add_parser("cancel", help="break off the switch under way").set_defaults(run=_cancel)
    actions.add_parser("rollback", help="go back to the model before, at once").set_defaults(run=_rollback)
    actions.add_parser("left", help="list the faces that the model cannot know").set_defaults(run=_left)
    prune = actions.add_parser(
        "prune",
        help="delete embeddings that only the way back needs",
        description="Delete the embeddings of former models, of faces that have one by the model that "
        "answers. After that there is no way back but another switch.",
    )
    prune.set_defaults(run=_prune)
    model_files.add_actions(actions)
    actions.choices["remove"].set_defaults(run=_remove)


@asynccontextmanager
async def _parts(settings: Settings) -> AsyncIterator[compose.Parts]:
    """Parts on the migrated database; models run in this process.

    Raises:
        DatabaseError: it is unreachable, or a SQLite file that does not exist.
    """
    require_database(settings)
    parts = compose.build(settings, compose.local_reader(settings))
    try:
        await parts.prepare_database.run()
        yield parts
    finally:
        parts.close()


async def _list(_options: argparse.Namespace, settings: Settings) -> int:
    """1 where the database cannot be asked: then only the files are listed."""
    try:
        async with _parts(settings) as parts:
            found = await parts.workflows.list_models.run()
    except DatabaseError as error:
        fallback = settings.model_fallback == "face_recognition"
        for stored in await asyncio.to_thread(stored_models, settings.model_dir, fallback=fallback):
            print(f"{stored.name:<20}{_files(stored):<10}{stored.licence}")
        print(error, file=sys.stderr)
        return 1
    print("\n".join(_lines(found)))
    return 0


def _lines(found: ModelList) -> Iterator[str]:
    yield f"{'MODEL':<20}{'STATE':<12}{'FILES':<10}{'SERVERS':>8}{'FACES':>8}{'THRESHOLD':>11}  LICENCE"
    for entry in found.models:
        name = entry.stored.name
        servers = sum(name in server.models for server in found.servers)
        yield (
            f"{name:<20}{_state(name, found):<12}{_files(entry.stored):<10}{servers:>8}{entry.faces:>8}"
            f"{entry.operating_point:>11.3f}  {entry.stored.licence}"
        )
    if found.left_faces:
        yield f"{found.left_faces} faces have no embedding by {found.wanted}: see `rollcall models left`."
    if (switch := found.switch) is not None and switch.running:
        yield f"Switching to {switch.target}: {switch.step}, {switch.done} of {switch.total}."


def _files(stored: StoredModel) -> str:
    return (stored.verified or "built in") if stored.present else "absent"


def _state(name: str, found: ModelList) -> str:
    states = {found.previous: "way back", found.next: "next", found.wanted: "active"}
    if name == found.wanted and found.servers and not any(name in server.models for server in found.servers):
        return "not loaded"
    return states.get(name, "")


async def _switch(options: argparse.Namespace, settings: Settings) -> int:
    """1 if it fails.

    Raises:
        ModelNotFound, ModelUnusable, ModelConflict, DatabaseError: as they say.
    """
    async with _parts(settings) as parts:
        switches = parts.workflows.switch_models
        switch = await switches.latest()
        # One that was broken off goes on.
        if switch is None or not switch.running or switch.target != options.name:
            switch = await switches.begin(options.name, force=options.force, check=await _is_alone(parts))
        ended = await _carried_out(parts, switch)
        print("\n".join(_told(ended)))
        if ended.state is SwitchState.DONE:
            _, left = await switches.left(limit=1, offset=0)
            if left:
                print(f"{left} faces could not be embedded; `rollcall models left` lists them.")
    return 0 if ended.state is SwitchState.DONE else 1


async def _is_alone(parts: compose.Parts) -> bool:
    """Whether no server of this database is up."""
    return not await parts.database.run(lambda records: records.servers.up(within_seconds=UP_SECONDS))


async def _carried_out(parts: compose.Parts, switch: Switch) -> Switch:
    """Watch it to its end; where no server is up, or none any more, work on it here."""
    work: asyncio.Task[None] | None = None
    try:
        with ProgressBars() as bars:
            while switch.running:
                if work is None and await _is_alone(parts):
                    work = asyncio.create_task(_work(parts))
                bars(str(switch.step), switch.done, switch.total or None)
                await asyncio.sleep(_LOOK_SECONDS)
                if work is not None and work.done():
                    work.result()
                    work = None
                switch = await parts.workflows.switch_models.of(switch.id)
    finally:
        if work is not None:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
    return switch


async def _work(parts: compose.Parts) -> None:
    os.nice(_NICENESS)
    # Another process may have had it until a moment ago.
    while not await parts.carry_out_switch.round():
        await asyncio.sleep(_LOOK_SECONDS)


def _told(switch: Switch) -> Iterator[str]:
    if switch.rehearsal is not None:
        yield from _rehearsed(switch.rehearsal, switch)
    match switch.state:
        case SwitchState.DONE:
            yield f"{switch.target} answers."
        case SwitchState.CANCELLED:
            yield "The switch was cancelled."
        case _:
            yield f"The switch failed: {switch.problem}"


def _rehearsed(rehearsal: Rehearsal, switch: Switch) -> Iterator[str]:
    lost = rehearsal.lost_count
    yield f"{rehearsal.faces} faces have an embedding by {switch.target}; {lost} of them are lost."
    if rehearsal.missed:
        yield f"In the images of {rehearsal.missed} more it finds no face; {switch.source} knows them."
    agreement = rehearsal.rank1_agreement
    if agreement is None:
        yield "Nobody has several faces, so the models could not be compared."
        return
    probes = rehearsal.probes
    yield (
        f"Of {probes} faces of people with several, {rehearsal.old_right} are found among all others by "
        f"{switch.source}, {rehearsal.new_right} by {switch.target}; rank-1 agreement {agreement:.1%}."
    )


async def _cancel(_options: argparse.Namespace, settings: Settings) -> int:
    async with _parts(settings) as parts:
        switch = await parts.workflows.switch_models.cancel()
    print(f"The switch to {switch.target} is cancelled. What was embedded is kept.")
    return 0


async def _rollback(_options: argparse.Namespace, settings: Settings) -> int:
    async with _parts(settings) as parts:
        switch = await parts.workflows.switch_models.rollback(check=await _is_alone(parts))
    print(f"{switch.target} answers.")
    return 0


async def _left(_options: argparse.Namespace, settings: Settings) -> int:
    async with _parts(settings) as parts:
        faces, _ = await parts.workflows.switch_models.left(limit=None, offset=0)
    for face in faces:
        print(f"{face.face_id} {face.person.type} {face.person.code} {face.reason}")
    return 0


async def _prune(_options: argparse.Namespace, settings: Settings) -> int:
    async with _parts(settings) as parts:
        count = await parts.workflows.switch_models.prune()
    print(f"Deleted former models' embeddings of {count} faces.")
    return 0


async def _remove(options: argparse.Namespace, settings: Settings) -> int:
    """Raises InvalidRequest: it is in use, or cannot be removed."""
    if options.name == FALLBACK_MODEL:
        raise InvalidRequest(f"{FALLBACK_MODEL} is built in; there is nothing to remove.")
    try:
        async with _parts(settings) as parts:
            shared = parts.gallery.shared
            wanted = shared.insightface_model or settings.insightface_model
            alone_known = parts.gallery.models_besides(wanted)
    except RollcallError as error:
        raise InvalidRequest(f"Whether {options.name} is in use cannot be told. {error.message}") from None
    # Of two reasons for one model the later is told.
    used: dict[str | None, str] = {}
    if shared.insightface_model is None:
        used[settings.insightface_model] = "INSIGHTFACE_MODEL"
    used |= {settings.ab_model: "AB_MODEL", settings.shadow_model: "SHADOW_MODEL"}
    used |= dict.fromkeys(alone_known, "what alone knows some faces; enrol these people anew first")
    used |= {
        shared.previous_model: "the way back, which `rollcall models prune` gives up",
        shared.next_model: "what a switch under way goes to",
        shared.insightface_model: "the model that answers",
    }
    if (why := used.get(options.name)) is not None:
        raise InvalidRequest(f"{options.name} is not removed: it is {why}.")
    return await model_files.remove(options, settings)
