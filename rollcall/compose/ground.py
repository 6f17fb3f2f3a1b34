"""What most parts stand on: the databases, the gallery, the models, and who reads pictures."""

from dataclasses import dataclass
from functools import partial

from db.connect import Waits
from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.compose.model_parts import model_keeper
from rollcall.core.observing import UNOBSERVED, Observer
from rollcall.core.ports import FaceReader
from rollcall.core.settings import Settings
from rollcall.gallery.gallery import FaceGallery
from rollcall.modelstore.keeper import ModelKeeper
from rollcall.modelstore.listing import sha256_of
from rollcall.workflows.check_model import CheckModel
from rollcall.workflows.pacing import AttendedReader, Pace
from rollcall.workflows.prepare_database import PrepareDatabase
from rollcall.workflows.probes import FacePolicy

RECOGNITION_CONNECTIONS = 2  # one to look for changes, one to write the log


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """`recognition` is the same database by connections of its own; `people` reads for who waits."""

    settings: Settings
    database: SqlDatabase
    recognition: SqlDatabase
    gallery: FaceGallery
    prepare_database: PrepareDatabase
    models: ModelKeeper
    faces: FaceReader
    people: AttendedReader
    pace: Pace
    policy: FacePolicy
    observer: Observer


def open_with(settings: Settings, pool_size: int, observer: Observer = UNOBSERVED) -> SqlDatabase:
    waits = Waits.within(settings.database_timeout_seconds)
    return open_database(settings.database_url.get_secret_value(), pool_size, waits, observer)


def ground(settings: Settings, faces: FaceReader, observer: Observer) -> Ground:
    """Nothing is started, and no connection opened."""
    # Who recognises has connections that nobody takes who waits for the writers' lock.
    recognition = open_with(settings, RECOGNITION_CONNECTIONS, observer)
    database = open_with(settings, max(1, settings.database_pool_size - RECOGNITION_CONNECTIONS), observer)
    gallery = FaceGallery(recognition, limit=settings.database_timeout_seconds)
    prepare_database = PrepareDatabase(migrate=partial(migrate, database), gallery=gallery)
    check = CheckModel(
        database=database,
        sha256=partial(sha256_of, settings.model_dir),
        why_not_prepared=prepare_database.problem,
    )
    people = AttendedReader(faces)
    return Ground(
        settings=settings,
        database=database,
        recognition=recognition,
        gallery=gallery,
        prepare_database=prepare_database,
        models=model_keeper(settings, faces, gallery, check, database),
        faces=faces,
        people=people,
        pace=Pace(people),
        policy=FacePolicy(reject_multiple=settings.multiple_faces_policy == "reject"),
        observer=observer,
    )
