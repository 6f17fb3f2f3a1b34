"""The composition root: settings → parts. `service.py` and the command line build the same ones here."""

from dataclasses import dataclass
from functools import partial

from db.connect import Waits
from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.api.deps import Workflows
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
from rollcall.workflows.prepare_database import PrepareDatabase
from rollcall.workflows.probes import FacePolicy, ProbeReader
from rollcall.workflows.recognize import Recognize
from rollcall.workflows.registry import Registry
from rollcall.workflows.report_health import ReportHealth
from rollcall.workflows.retain_logs import RetainLogs
from rollcall.workflows.scan_attendance import ScanAttendance
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
    models: ModelSwitch
    prepare_database: PrepareDatabase
    retain_logs: RetainLogs
    embed_missing: EmbedMissing
    notice_foreign_writes: NoticeForeignWrites
    evaluate: Evaluate
    workflows: Workflows

    def close(self) -> None:
        self.workflows.health.close()
        self.recognition.close()
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
    # Who recognises has connections that nobody takes who waits for the writers' lock.
    recognition = _open(settings, RECOGNITION_CONNECTIONS)
    database = _open(settings, max(1, settings.database_pool_size - RECOGNITION_CONNECTIONS))
    gallery = FaceGallery(recognition, limit=settings.database_timeout_seconds)
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
        shared=lambda: gallery.shared,
    )
    journal = Journal(database=recognition, limit=settings.database_timeout_seconds)
    prepare_database = PrepareDatabase(migrate=partial(migrate, database), gallery=gallery)
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
        recognize=Recognize(probes=probes, gallery=gallery, journal=journal, policy=policy),
        verify=Verify(models=models, faces=faces, probes=probes, gallery=gallery, policy=policy),
        look=Look(models=models, faces=faces),
        registry=Registry(database=database),
        scan_attendance=ScanAttendance(probes=probes, gallery=gallery, database=database),
        health=ReportHealth(
            models=models,
            faces=faces,
            database=_open(settings, HEALTH_CONNECTIONS),
            why_degraded=models.why_degraded,
            why_not_prepared=prepare_database.problem,
        ),
    )
    return Parts(
        database=database,
        recognition=recognition,
        gallery=gallery,
        models=models,
        prepare_database=prepare_database,
        retain_logs=RetainLogs(database=database, days=settings.log_retention_days),
        embed_missing=EmbedMissing(models=models, faces=faces, database=database),
        notice_foreign_writes=NoticeForeignWrites(database=database),
        evaluate=Evaluate(models=models, faces=faces, database=database),
        workflows=workflows,
    )
