"""What handlers can call."""

from functools import partial

from rollcall import __version__
from rollcall.api.deps import Workflows
from rollcall.compose.ground import Ground, open_with
from rollcall.compose.model_parts import has_fallback, switch_models
from rollcall.core.ports import FaceReader
from rollcall.core.settings import Settings
from rollcall.importing.report import CsvReport
from rollcall.importing.uploads import FolderUploads
from rollcall.modelstore.listing import stored_models
from rollcall.telemetry.exposition import PrometheusExposition
from rollcall.workflows.ab_test import AbTest
from rollcall.workflows.call_roll import CallRoll
from rollcall.workflows.carry_out_imports import CarryOutImports
from rollcall.workflows.carry_out_switch import CarryOutSwitch
from rollcall.workflows.enroll import Enroll
from rollcall.workflows.import_jobs import ImportJobs
from rollcall.workflows.journal import Journal
from rollcall.workflows.keep_embedded import KeepEmbedded
from rollcall.workflows.list_models import ListModels
from rollcall.workflows.look import Look
from rollcall.workflows.new_faces import NewFaces
from rollcall.workflows.probes import ProbeReader
from rollcall.workflows.recognize import Recognize
from rollcall.workflows.registry import Registry
from rollcall.workflows.report_health import ReportHealth
from rollcall.workflows.report_statistics import ReportStatistics
from rollcall.workflows.scan_attendance import ScanAttendance
from rollcall.workflows.scrape import Scrape
from rollcall.workflows.search import Search
from rollcall.workflows.shadow import Shadow
from rollcall.workflows.show_picture import ShowPicture
from rollcall.workflows.take_feedback import TakeFeedback
from rollcall.workflows.take_figures import TakeFigures
from rollcall.workflows.verify import Verify
from runners.thumbnails import Thumbnails

HEALTH_CONNECTIONS = 2


def workflows(
    on: Ground,
    keep_embedded: KeepEmbedded,
    carry_out_switch: CarryOutSwitch,
    carry_out_imports: CarryOutImports,
    shadow: Shadow | None,
) -> Workflows:
    settings = on.settings
    probes = _probes(on, keep_embedded)
    search = Search(probes=probes, gallery=on.gallery, observer=on.observer)
    journal = Journal(database=on.recognition, limit=settings.database_timeout_seconds)
    health_database = open_with(settings, HEALTH_CONNECTIONS)
    health = ReportHealth(
        models=on.models,
        faces=on.faces,
        database=health_database,
        why_degraded=on.models.why_degraded,
        why_not_prepared=on.prepare_database.problem,
    )
    figures = TakeFigures(
        health=health,
        models=on.models,
        gallery=on.gallery,
        carry_out_switch=carry_out_switch,
        carry_out_imports=carry_out_imports,
        keep_embedded=keep_embedded,
        pools={"requests": on.database, "recognition": on.recognition, "health": health_database},
    )
    return Workflows(
        enroll=Enroll(
            new_faces=new_faces(on, on.people), database=on.database, create_people=creates_people(settings)
        ),
        recognize=Recognize(
            search=search, journal=journal, policy=on.policy, observer=on.observer, shadow=shadow
        ),
        verify=Verify(models=on.models, faces=on.people, probes=probes, gallery=on.gallery, policy=on.policy),
        look=Look(models=on.models, faces=on.people),
        registry=Registry(database=on.database),
        show_picture=ShowPicture(database=on.database, pictures=Thumbnails()),
        scan_attendance=ScanAttendance(search=search, database=on.database, observer=on.observer),
        call_roll=CallRoll(database=on.database),
        take_feedback=TakeFeedback(database=on.database, counter=on.observer),
        health=health,
        report_statistics=ReportStatistics(database=on.database),
        switch_models=switch_models(settings, on.database, on.gallery, on.models),
        list_models=ListModels(
            stored=partial(stored_models, settings.model_dir, fallback=has_fallback(settings)),
            models=on.models,
            gallery=on.gallery,
            database=on.database,
        ),
        scrape=Scrape(
            figures=figures.run,
            exposition=PrometheusExposition(version=__version__, folder=settings.prometheus_multiproc_dir),
        ),
        import_jobs=ImportJobs(uploads=uploads(settings), database=on.database, report=CsvReport()),
    )


def uploads(settings: Settings) -> FolderUploads:
    return FolderUploads(settings.import_dir, settings.max_import_mb * 2**20)


def new_faces(on: Ground, faces: FaceReader) -> NewFaces:
    """Of pictures that this reader reads."""
    return NewFaces(
        models=on.models,
        files=on.models,
        faces=faces,
        policy=on.policy,
        check_quality=on.settings.enable_face_quality_check,
    )


def creates_people(settings: Settings) -> bool:
    return settings.unknown_person_policy == "create"


def shadow_of(on: Ground) -> Shadow | None:
    """What SHADOW_MODEL asks for."""
    name = on.settings.shadow_model
    if name is None:
        return None
    return Shadow(
        model=lambda: on.models.named(name),
        faces=on.faces,
        gallery=on.gallery,
        database=on.database,
        rate=on.settings.shadow_rate,
        observer=on.observer,
        turn=on.pace.wait,
    )


def _probes(on: Ground, keep_embedded: KeepEmbedded) -> ProbeReader:
    second, pick = on.settings.ab_model, None
    if second is not None:
        share, is_complete = on.settings.ab_share, keep_embedded.is_complete
        pick = AbTest(models=on.models, second=second, share=share, is_complete=is_complete).pick
    return ProbeReader(models=on.models, faces=on.people, gallery=on.gallery, pick=pick)
