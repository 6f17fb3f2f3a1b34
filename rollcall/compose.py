"""The composition root: settings → parts. `service.py` and the command line build the same ones here."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TypedDict
from uuid import uuid4

from db.connect import Waits
from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.api.deps import Workflows
from rollcall.core.ports import FaceReader
from rollcall.core.settings import Settings
from rollcall.gallery.gallery import FaceGallery
from rollcall.modelstore.catalog import Pack, present
from rollcall.modelstore.choice import ModelChoice
from rollcall.modelstore.download import download
from rollcall.modelstore.fetching import Progress
from rollcall.modelstore.keeper import ModelKeeper
from rollcall.modelstore.listing import is_known, sha256_of, stored_models
from rollcall.workflows.ab_test import AbTest
from rollcall.workflows.announce import Announce
from rollcall.workflows.carry_out_switch import CarryOutSwitch
from rollcall.workflows.check_model import CheckModel
from rollcall.workflows.embed_missing import EmbedMissing
from rollcall.workflows.enroll import Enroll
from rollcall.workflows.evaluate import Evaluate
from rollcall.workflows.journal import Journal
from rollcall.workflows.keep_embedded import KeepEmbedded
from rollcall.workflows.list_models import ListModels
from rollcall.workflows.look import Look
from rollcall.workflows.notice_foreign_writes import NoticeForeignWrites
from rollcall.workflows.pacing import AttendedReader, Pace
from rollcall.workflows.prepare_database import PrepareDatabase
from rollcall.workflows.probes import FacePolicy, ProbeReader
from rollcall.workflows.recognize import Recognize
from rollcall.workflows.registry import Registry
from rollcall.workflows.report_health import ReportHealth
from rollcall.workflows.retain_logs import RetainLogs
from rollcall.workflows.scan_attendance import ScanAttendance
from rollcall.workflows.search import Search
from rollcall.workflows.switch_models import SwitchModels
from rollcall.workflows.verify import Verify
from runners.cores import available_cores
from runners.local import LocalFaceReader
from runners.models import ModelCache

HEALTH_CONNECTIONS = 2
RECOGNITION_CONNECTIONS = 2  # one to look for changes, one to write the log


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a process is made of. `recognition` is the same database by connections of its own."""

    database: SqlDatabase
    recognition: SqlDatabase
    gallery: FaceGallery
    models: ModelKeeper
    prepare_database: PrepareDatabase
    retain_logs: RetainLogs
    keep_embedded: KeepEmbedded
    announce: Announce
    carry_out_switch: CarryOutSwitch
    notice_foreign_writes: NoticeForeignWrites
    evaluate: Evaluate
    workflows: Workflows

    def close(self) -> None:
        self.workflows.health.close()
        self.recognition.close()
        self.database.close()


class _Recognising(TypedDict):
    recognize: Recognize
    verify: Verify
    scan_attendance: ScanAttendance


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
        fallback_allowed=_has_fallback(settings),
    )


def local_reader(settings: Settings) -> FaceReader:
    """Reads pictures in this very process, for the command line."""
    return LocalFaceReader(model_cache(settings))


def build(settings: Settings, faces: FaceReader) -> Parts:
    """Make all parts; nothing is started, and no connection opened."""
    # Who recognises has connections that nobody takes who waits for the writers' lock.
    recognition = _open(settings, RECOGNITION_CONNECTIONS)
    database = _open(settings, max(1, settings.database_pool_size - RECOGNITION_CONNECTIONS))
    gallery = FaceGallery(recognition, limit=settings.database_timeout_seconds)
    prepare_database = PrepareDatabase(migrate=partial(migrate, database), gallery=gallery)
    check = CheckModel(
        database=database,
        sha256=partial(sha256_of, settings.model_dir),
        why_not_prepared=prepare_database.problem,
    )
    models = _model_keeper(settings, faces, gallery, check)
    people = AttendedReader(faces)
    pace = Pace(people)
    embed = EmbedMissing(faces=faces, database=database, pace=pace)
    keep_embedded = KeepEmbedded(models=models, embed=embed, further=_further(settings))
    server = uuid4().hex
    switch_models = _switch_models(settings, database, gallery, models)
    return Parts(
        database=database,
        recognition=recognition,
        gallery=gallery,
        models=models,
        prepare_database=prepare_database,
        retain_logs=RetainLogs(database=database, days=settings.log_retention_days),
        keep_embedded=keep_embedded,
        announce=Announce(database=database, name=server, loaded=lambda: models.loaded),
        carry_out_switch=CarryOutSwitch(
            database=database, gallery=gallery, files=models, embed=embed, pace=pace, owner=server
        ),
        notice_foreign_writes=NoticeForeignWrites(database=database),
        evaluate=Evaluate(models=models, faces=faces, database=database),
        workflows=Workflows(
            **_recognising(settings, people, models, gallery, recognition, database, keep_embedded),
            enroll=Enroll(
                models=models,
                faces=people,
                database=database,
                policy=_policy(settings),
                check_quality=settings.enable_face_quality_check,
                create_people=settings.unknown_person_policy == "create",
            ),
            look=Look(models=models, faces=people),
            registry=Registry(database=database),
            health=ReportHealth(
                models=models,
                faces=faces,
                database=_open(settings, HEALTH_CONNECTIONS),
                why_degraded=models.why_degraded,
                why_not_prepared=prepare_database.problem,
            ),
            switch_models=switch_models,
            list_models=ListModels(
                stored=partial(stored_models, settings.model_dir, fallback=_has_fallback(settings)),
                models=models,
                gallery=gallery,
                database=database,
            ),
        ),
    )


def _recognising(
    settings: Settings,
    people: AttendedReader,
    models: ModelKeeper,
    gallery: FaceGallery,
    recognition: SqlDatabase,
    database: SqlDatabase,
    keep_embedded: KeepEmbedded,
) -> "_Recognising":
    """What asks the gallery."""
    pick = None
    if settings.ab_model is not None:
        pick = AbTest(
            models=models,
            second=settings.ab_model,
            share=settings.ab_share,
            is_complete=keep_embedded.is_complete,
        ).pick
    policy = _policy(settings)
    probes = ProbeReader(models=models, faces=people, gallery=gallery, pick=pick)
    search = Search(probes=probes, gallery=gallery)
    journal = Journal(database=recognition, limit=settings.database_timeout_seconds)
    return _Recognising(
        recognize=Recognize(search=search, journal=journal, policy=policy),
        verify=Verify(models=models, faces=people, probes=probes, gallery=gallery, policy=policy),
        scan_attendance=ScanAttendance(search=search, database=database),
    )


def _model_keeper(
    settings: Settings, faces: FaceReader, gallery: FaceGallery, check: CheckModel
) -> ModelKeeper:
    async def fetch(pack: Pack, progress: Progress) -> None:
        await download(
            pack, model_dir=settings.model_dir, mirror=settings.model_mirror_url, progress=progress
        )

    return ModelKeeper(
        choice=ModelChoice(
            name=settings.insightface_model,
            model_dir=settings.model_dir,
            download=settings.auto_download_models,
            fallback=_has_fallback(settings),
            min_similarity=settings.similarity_threshold,
            further=_further(settings),
        ),
        faces=faces,
        fetch=fetch,
        check=check.run,
        calibrations=lambda: gallery.calibrations,
        shared=lambda: gallery.shared,
        needed=gallery.models_besides,
    )


def _switch_models(
    settings: Settings, database: SqlDatabase, gallery: FaceGallery, models: ModelKeeper
) -> SwitchModels:
    folder = settings.model_dir
    known = partial(
        is_known, folder, download=settings.auto_download_models, fallback=_has_fallback(settings)
    )
    return SwitchModels(
        database=database,
        gallery=gallery,
        files=models,
        configured=settings.insightface_model,
        kept=_further(settings),
        is_known=lambda name: asyncio.to_thread(known, name),
        is_present=lambda name: asyncio.to_thread(present, folder, name),
    )


def _further(settings: Settings) -> tuple[str, ...]:
    """Models that are used beside the one that answers."""
    return tuple(name for name in (settings.ab_model, settings.shadow_model) if name is not None)


def _has_fallback(settings: Settings) -> bool:
    return settings.model_fallback == "face_recognition"


def _policy(settings: Settings) -> FacePolicy:
    return FacePolicy(reject_multiple=settings.multiple_faces_policy == "reject")
