"""The composition root: settings → parts. `service.py` and the command line build the same ones here."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from fastapi import FastAPI

from db.connect import Waits
from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.api.deps import Workflows
from rollcall.core.errors import RollcallError
from rollcall.core.ports import FaceReader
from rollcall.core.settings import Settings
from rollcall.gallery.gallery import FaceGallery
from rollcall.modelstore.download import download
from rollcall.modelstore.switch import ModelChoice, ModelSwitch
from rollcall.workflows.embed_missing import EmbedMissing
from rollcall.workflows.enroll import Enroll
from rollcall.workflows.evaluate import Evaluate
from rollcall.workflows.journal import Journal
from rollcall.workflows.look import Look
from rollcall.workflows.notice_foreign_writes import NoticeForeignWrites
from rollcall.workflows.probes import FacePolicy, ProbeReader
from rollcall.workflows.recognize import Recognize
from rollcall.workflows.registry import Registry
from rollcall.workflows.report_health import ReportHealth
from rollcall.workflows.scan_attendance import ScanAttendance
from rollcall.workflows.verify import Verify
from runners.cores import available_cores
from runners.local import LocalFaceReader
from runners.models import ModelCache

logger = logging.getLogger("rollcall.service")

DATABASE_RETRY_SECONDS = 2.0
HEALTH_CONNECTIONS = 2
RESTART_PAUSE_SECONDS = 10.0
EMBED_PAUSE_SECONDS = 5.0
FOLLOW_PAUSE_SECONDS = 5.0
NOTICE_PAUSE_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a process is made of."""

    database: SqlDatabase
    gallery: FaceGallery
    models: ModelSwitch
    embed_missing: EmbedMissing
    notice_foreign_writes: NoticeForeignWrites
    evaluate: Evaluate
    workflows: Workflows

    def close(self) -> None:
        self.workflows.health.close()
        self.database.close()


def cores(settings: Settings) -> int:
    """How many threads the networks may use, all together."""
    return settings.inference_threads or available_cores()


def check_database(settings: Settings) -> None:
    """Raises DatabaseError if DATABASE_URL cannot be understood; whether it answers is not asked."""
    _open(settings, pool_size=1).close()


def _open(settings: Settings, pool_size: int) -> SqlDatabase:
    waits = Waits.within(settings.database_timeout_seconds)
    return open_database(settings.database_url.get_secret_value(), pool_size, waits)


def model_cache(settings: Settings) -> ModelCache:
    """The models of this process, loaded when first asked for."""
    return ModelCache(
        model_dir=settings.model_dir,
        threads=cores(settings),
        backend=settings.inference_backend,
        fallback_allowed=settings.model_fallback == "face_recognition",
    )


def local_reader(settings: Settings) -> FaceReader:
    """Reads pictures in this very process, for the command line."""
    return LocalFaceReader(model_cache(settings))


def build(settings: Settings, faces: FaceReader) -> Parts:
    """Make all parts; nothing is started, and no connection opened."""
    database = _open(settings, settings.database_pool_size)
    gallery = FaceGallery(database)
    models = ModelSwitch(
        choice=ModelChoice(
            name=settings.insightface_model,
            model_dir=settings.model_dir,
            download=settings.auto_download_models,
            fallback=settings.model_fallback == "face_recognition",
            min_similarity=settings.similarity_threshold,
        ),
        faces=faces,
        fetch=partial(download, model_dir=settings.model_dir, mirror=settings.model_mirror_url),
        calibrations=lambda: gallery.calibrations,
    )
    policy = FacePolicy(reject_multiple=settings.multiple_faces_policy == "reject")
    probes = ProbeReader(models=models, faces=faces, gallery=gallery)
    workflows = Workflows(
        enroll=Enroll(
            models=models,
            faces=faces,
            database=database,
            policy=policy,
            check_quality=settings.enable_face_quality_check,
            create_people=settings.unknown_person_policy == "create",
        ),
        recognize=Recognize(
            probes=probes, gallery=gallery, journal=Journal(database=database), policy=policy
        ),
        verify=Verify(models=models, faces=faces, probes=probes, gallery=gallery, policy=policy),
        look=Look(models=models, faces=faces),
        registry=Registry(database=database),
        scan_attendance=ScanAttendance(probes=probes, gallery=gallery, database=database),
        health=ReportHealth(
            models=models,
            faces=faces,
            database=_open(settings, HEALTH_CONNECTIONS),
            why_degraded=models.why_degraded,
        ),
    )
    return Parts(
        database=database,
        gallery=gallery,
        models=models,
        embed_missing=EmbedMissing(models=models, faces=faces, database=database),
        notice_foreign_writes=NoticeForeignWrites(database=database),
        evaluate=Evaluate(models=models, faces=faces, database=database),
        workflows=workflows,
    )


@asynccontextmanager
async def serving(app: FastAPI, settings: Settings, faces: FaceReader) -> AsyncIterator[None]:
    """The app's lifespan: give it its workflows, and keep the background work going."""
    parts = build(settings, faces)
    app.state.workflows = parts.workflows
    async with running(parts):
        yield


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Keep the service's background work going while the block runs.

    Nothing here holds up the start: health answers at once and says what is missing.
    """
    work = (
        partial(_follow_database, parts),
        parts.models.run,
        partial(_embed_for_ever, parts),
        partial(_notice_for_ever, parts),
    )
    tasks = [asyncio.create_task(_watched(step)) for step in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        parts.close()


async def _watched(step: Callable[[], Awaitable[None]]) -> None:
    """Nobody awaits a background task: one that fails says so, and begins anew after a pause."""
    while True:
        try:
            await step()
        except Exception as error:
            places = "".join(traceback.format_tb(error.__traceback__))
            logger.critical("Background work failed: %s\n%s", type(error).__name__, places)
            await asyncio.sleep(RESTART_PAUSE_SECONDS)
        else:
            return


async def _prepare_database(parts: Parts) -> None:
    """Create what is missing and fill the gallery, as soon as the database can be reached."""

    def prepare() -> None:
        migrate(parts.database)
        parts.gallery.refresh()

    await _until_done(prepare, "The database is not ready")
    logger.info("The database is ready")


async def _follow_database(parts: Parts) -> None:
    """Each recognition follows the changes itself. This is for what asks no gallery, such as the health."""
    await _prepare_database(parts)
    while True:
        await asyncio.sleep(FOLLOW_PAUSE_SECONDS)
        try:
            await asyncio.to_thread(parts.gallery.refresh)
        except RollcallError as error:
            logger.debug("Changes must wait: %s", error.message)


async def _until_done(step: Callable[[], None], problem: str) -> None:
    while True:
        try:
            await asyncio.to_thread(step)
        except RollcallError as error:
            logger.warning("%s: %s", problem, error.message)
            await asyncio.sleep(DATABASE_RETRY_SECONDS)
        else:
            return


async def _embed_for_ever(parts: Parts) -> None:
    while True:
        try:
            tried = await parts.embed_missing.round()
        except RollcallError as error:
            logger.debug("Missing embeddings must wait: %s", error.message)
            tried = 0
        if not tried:
            await asyncio.sleep(EMBED_PAUSE_SECONDS)


async def _notice_for_ever(parts: Parts) -> None:
    while True:
        # First: a new database has no tables yet.
        await asyncio.sleep(NOTICE_PAUSE_SECONDS)
        try:
            await parts.notice_foreign_writes.round()
        except RollcallError as error:
            logger.debug("Other programs' writes must wait: %s", error.message)
