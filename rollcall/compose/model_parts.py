"""The parts that bring models up and change them."""

import asyncio
import logging
from functools import partial

from db.engine import SqlDatabase
from rollcall.core.audit import Action
from rollcall.core.errors import RollcallError
from rollcall.core.ports import FaceReader
from rollcall.core.settings import Settings
from rollcall.gallery.gallery import FaceGallery
from rollcall.modelstore.catalog import Pack, present
from rollcall.modelstore.choice import ModelChoice
from rollcall.modelstore.download import download
from rollcall.modelstore.fetching import Progress
from rollcall.modelstore.keeper import ModelKeeper
from rollcall.modelstore.listing import is_known
from rollcall.workflows.check_model import CheckModel
from rollcall.workflows.switch_models import SwitchModels

logger = logging.getLogger("rollcall.models")


def has_fallback(settings: Settings) -> bool:
    return settings.model_fallback == "face_recognition"


def further_models(settings: Settings) -> tuple[str, ...]:
    """Models that are used beside the one that answers."""
    return tuple(name for name in (settings.ab_model, settings.shadow_model) if name is not None)


def model_keeper(
    settings: Settings, faces: FaceReader, gallery: FaceGallery, check: CheckModel, database: SqlDatabase
) -> ModelKeeper:
    async def fetch(pack: Pack, progress: Progress) -> None:
        await download(
            pack, model_dir=settings.model_dir, mirror=settings.model_mirror_url, progress=progress
        )
        try:
            await database.run(lambda records: records.audit.add(Action.MODEL_FETCHED, model=pack.name))
        except RollcallError as error:
            # It may be that there are no tables yet; the model must answer all the same.
            logger.warning("The download of %s is not noted in the audit: %s", pack.name, error.message)

    return ModelKeeper(
        choice=ModelChoice(
            name=settings.insightface_model,
            model_dir=settings.model_dir,
            download=settings.auto_download_models,
            fallback=has_fallback(settings),
            min_similarity=settings.similarity_threshold,
            further=further_models(settings),
        ),
        faces=faces,
        fetch=fetch,
        check=check.run,
        calibrations=lambda: gallery.calibrations,
        shared=lambda: gallery.shared,
        needed=gallery.models_besides,
    )


def switch_models(
    settings: Settings, database: SqlDatabase, gallery: FaceGallery, models: ModelKeeper
) -> SwitchModels:
    folder = settings.model_dir
    known = partial(is_known, folder, download=settings.auto_download_models, fallback=has_fallback(settings))
    return SwitchModels(
        database=database,
        gallery=gallery,
        files=models,
        configured=settings.insightface_model,
        kept=further_models(settings),
        is_known=lambda name: asyncio.to_thread(known, name),
        is_present=lambda name: asyncio.to_thread(present, folder, name),
    )
