"""The composition root: settings → parts. `service.py` and the command line build the same ones here."""

from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from db.engine import SqlDatabase
from rollcall.api.deps import Workflows
from rollcall.compose.ground import ground, open_with
from rollcall.compose.import_parts import carry_out_imports, import_alone
from rollcall.compose.model_parts import further_models, has_fallback
from rollcall.compose.workflow_parts import shadow_of, workflows
from rollcall.core.observing import UNOBSERVED, Observer
from rollcall.core.ports import FaceReader
from rollcall.core.settings import Settings
from rollcall.gallery.gallery import FaceGallery
from rollcall.modelstore.keeper import ModelKeeper
from rollcall.workflows.announce import Announce
from rollcall.workflows.bulk_import import BulkImport
from rollcall.workflows.carry_out_imports import CarryOutImports
from rollcall.workflows.carry_out_switch import CarryOutSwitch
from rollcall.workflows.embed_missing import EmbedMissing
from rollcall.workflows.evaluate import Evaluate
from rollcall.workflows.keep_embedded import KeepEmbedded
from rollcall.workflows.notice_foreign_writes import NoticeForeignWrites
from rollcall.workflows.prepare_database import PrepareDatabase
from rollcall.workflows.retain_logs import RetainLogs
from rollcall.workflows.shadow import Shadow
from runners.backends import streams_of
from runners.cores import available_cores
from runners.local import BatchingFaceReader, LocalFaceReader
from runners.models import ModelCache

# Pictures in flight in a command, for each stream: a batch that is read, one that waits, and one that is read
# and waits for another before it.
READS_A_STREAM: Final = 12


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
    imports: CarryOutImports
    import_alone: BulkImport
    shadow: Shadow | None
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
    open_with(settings, pool_size=1).close()


def model_cache(settings: Settings, observer: Observer = UNOBSERVED) -> ModelCache:
    """The models of this process, loaded when first asked for."""
    return ModelCache(
        model_dir=settings.model_dir,
        threads=cores(settings),
        backend=settings.inference_backend,
        fallback_allowed=has_fallback(settings),
        observer=observer,
    )


def local_reader(settings: Settings, observer: Observer = UNOBSERVED) -> FaceReader:
    """Reads pictures in this very process, for the command line."""
    return LocalFaceReader(model_cache(settings, observer))


def batching_reader(settings: Settings) -> FaceReader:
    """The same, several pictures at a time, for a command that reads many."""
    return BatchingFaceReader(model_cache(settings), streams=streams_of(cores(settings)))


def build(settings: Settings, faces: FaceReader, observer: Observer = UNOBSERVED) -> Parts:
    """Make all parts; nothing is started, and no connection opened."""
    on = ground(settings, faces, observer)
    embed = EmbedMissing(faces=faces, database=on.database, pace=on.pace)
    keep_embedded = KeepEmbedded(
        models=on.models, gallery=on.gallery, embed=embed, further=further_models(settings)
    )
    server = uuid4().hex  # among the servers of the database
    carry_out_switch = CarryOutSwitch(
        database=on.database,
        gallery=on.gallery,
        files=on.models,
        embed=embed,
        pace=on.pace,
        owner=server,
    )
    imports = carry_out_imports(on, server)
    shadow = shadow_of(on)
    return Parts(
        database=on.database,
        recognition=on.recognition,
        gallery=on.gallery,
        models=on.models,
        prepare_database=on.prepare_database,
        retain_logs=RetainLogs(database=on.database, days=settings.log_retention_days),
        keep_embedded=keep_embedded,
        announce=Announce(
            database=on.database,
            name=server,
            wanted=lambda: on.models.wanted,
            loaded=lambda: on.models.loaded,
        ),
        carry_out_switch=carry_out_switch,
        imports=imports,
        import_alone=import_alone(on, width=READS_A_STREAM * streams_of(cores(settings))),
        shadow=shadow,
        notice_foreign_writes=NoticeForeignWrites(database=on.database),
        evaluate=Evaluate(models=on.models, faces=faces, database=on.database),
        workflows=workflows(on, keep_embedded, carry_out_switch, imports, shadow),
    )
