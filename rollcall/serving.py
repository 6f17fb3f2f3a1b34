"""The app's lifespan: its parts are made, and the background work is kept going."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

from fastapi import FastAPI

from rollcall.compose import Parts, build
from rollcall.core.callers import SERVER, caller
from rollcall.core.errors import RollcallError
from rollcall.core.ports import FaceReader
from rollcall.core.settings import Settings
from rollcall.telemetry.observer import OBSERVER

logger = logging.getLogger("rollcall.service")

# Seconds between two rounds.
DATABASE_RETRY: Final = 2.0
# How long the models wait for the database, which may name another one than the environment.
DATABASE_PATIENCE: Final = 10.0
RESTART: Final = 10.0
EMBED: Final = 5.0
SWITCH: Final = 2.0
IMPORT: Final = 2.0
TIDY: Final = 3600.0
TIDY_RETRY: Final = 60.0
ANNOUNCE: Final = 1.0
FOLLOW: Final = 5.0
NOTICE: Final = 20.0
RETAIN: Final = 3600.0
RETAIN_RETRY: Final = 60.0

Step = Callable[[], Awaitable[object]]


@asynccontextmanager
async def serving(app: FastAPI, settings: Settings, faces: FaceReader) -> AsyncIterator[None]:
    """Give the app its workflows, and keep the background work going while the block runs.

    Nothing here holds up the start: health answers at once and says what is missing.
    """
    parts = build(settings, faces, OBSERVER)
    app.state.workflows = parts.workflows
    tasks = [asyncio.create_task(watched(work)) for work in _background_work(parts)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            await leave(parts)


async def leave(parts: Parts) -> None:
    """Let the other servers know, and release the parts, whatever fails."""
    try:
        with suppress(RollcallError):
            await parts.announce.leave()  # after a while it is forgotten in any case
    except Exception as error:
        # Nobody can do anything about it any more, and uvicorn would tell it by its text.
        logger.error("Leaving failed: %s", type(error).__name__, exc_info=error)
    finally:
        parts.close()


def _background_work(parts: Parts) -> list[Step]:
    notice, retain = parts.notice_foreign_writes.round, parts.retain_logs.round
    on_the_database: list[Step] = [
        # Each recognition follows the changes itself. This is for what asks no gallery, such as the health.
        partial(_for_ever, parts.gallery.refresh, "Changes", FOLLOW, FOLLOW),
        partial(_embed_for_ever, parts),
        partial(_switch_for_ever, parts),
        partial(_for_ever, parts.announce.round, "Announcing this server", ANNOUNCE, FOLLOW),
        partial(_for_ever, notice, "Other programs' writes", NOTICE, NOTICE),
        partial(_import_for_ever, parts),
        partial(_for_ever, parts.imports.tidy, "Old imports", TIDY, TIDY_RETRY),
        partial(_for_ever, retain, "Old rows of the log", RETAIN, RETAIN_RETRY),
    ]
    if parts.shadow is not None:
        on_the_database.append(parts.shadow.run)
    prepared = [partial(_once_prepared, parts, work) for work in on_the_database]
    return [partial(_prepare, parts), partial(_keep_models, parts), *prepared]


async def watched(step: Step) -> None:
    """Nobody awaits a background task: one that fails says so, and begins anew after a pause."""
    caller.set(SERVER)
    while True:
        try:
            await step()
        except Exception as error:
            logger.critical("Background work failed: %s", type(error).__name__, exc_info=error)
            await asyncio.sleep(RESTART)
        else:
            return


async def _prepare(parts: Parts) -> None:
    """Create what is missing and fill the gallery, as soon as the database can be reached."""
    while True:
        try:
            await parts.prepare_database.run()
            break
        except RollcallError as error:
            logger.warning("The database is not ready: %s", error.message)
            await asyncio.sleep(DATABASE_RETRY)
    logger.info("The database is ready")


async def _once_prepared(parts: Parts, work: Step) -> None:
    await parts.prepare_database.prepared.wait()
    await work()


async def _keep_models(parts: Parts) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(parts.prepare_database.prepared.wait(), DATABASE_PATIENCE)
    await parts.models.run()


async def _embed_for_ever(parts: Parts) -> None:
    while True:
        try:
            tried = await parts.keep_embedded.round()
        except RollcallError as error:
            logger.debug("Missing embeddings must wait: %s", error.message)
            tried = 0
        if not tried:
            await asyncio.sleep(EMBED)


async def _switch_for_ever(parts: Parts) -> None:
    begun = parts.workflows.switch_models.begun
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(begun.wait(), SWITCH)
        begun.clear()
        try:
            await parts.carry_out_switch.round()
        except RollcallError as error:
            logger.warning("The switch of models must wait: %s", error.message)
            await asyncio.sleep(SWITCH)


async def _import_for_ever(parts: Parts) -> None:
    begun = parts.workflows.import_jobs.begun
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(begun.wait(), IMPORT)
        begun.clear()
        try:
            while await parts.imports.round():
                pass
        except RollcallError as error:
            logger.warning("The import must wait: %s", error.message)
            await asyncio.sleep(IMPORT)


async def _for_ever(step: Step, what: str, pause: float, retry: float) -> None:
    while True:
        try:
            await step()
        except RollcallError as error:
            logger.debug("%s must wait: %s", what, error.message)
            await asyncio.sleep(retry)
        else:
            await asyncio.sleep(pause)
