"""The shadow model, with real networks and a real database."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.core.calibration import GENERIC
from rollcall.core.comparisons import Comparison, Outcome
from rollcall.core.faces import Box, Embedding, ReadRequest, Subjects
from rollcall.core.models import ActiveModel
from rollcall.core.observing import ComparisonOutcome
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import NewFace
from rollcall.gallery.gallery import FaceGallery
from rollcall.workflows.shadow import QUEUE_SIZE, Shadow
from runners.local import LocalFaceReader
from runners.models import ModelCache
from tests.db.rows import add_embedding
from tests.observed import Observed
from tests.packs import empty_picture, picture, write_pack

STORED, DROPPED, FAILED = ComparisonOutcome
ADA = PersonKey(type=PersonType.STUDENT, code="S1")
BOB = PersonKey(type=PersonType.TEACHER, code="T2")
NUMBER_OF = {ADA: 1, BOB: 2}
SHADOW = ActiveModel(name="new", backend="onnxruntime", min_similarity=0.4, calibration=GENERIC)
ADA_IT_SAID = Outcome(model="old", person=ADA, similarity=0.95, accepted=True, milliseconds=12.5)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> LocalFaceReader:
    """Reads by two models whose embeddings cannot be compared."""
    models = tmp_path_factory.mktemp("models")
    write_pack(models / "old", seed=20)
    write_pack(models / "new", seed=21, dimensions=128)
    cache = ModelCache(model_dir=models, threads=1, backend="onnxruntime", fallback_allowed=False)
    return LocalFaceReader(cache)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqlDatabase]:
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=2)
    migrate(database)
    yield database
    database.close()


class School:
    """Ada and Bob are enrolled by the old model, and embedded by the new one when that is asked for."""

    def __init__(self, faces: LocalFaceReader, database: SqlDatabase) -> None:
        self.faces = faces
        self.database = database
        self.gallery = FaceGallery(database, limit=60)
        self.observed = Observed()
        self.face_ids: dict[PersonKey, int] = {}

    async def embed(self, person: PersonKey, model: str) -> Embedding:
        request = ReadRequest(picture=picture(NUMBER_OF[person]), model=model, embed=Subjects.LARGEST)
        [face] = (await self.faces.read(request)).faces
        assert face.embedding is not None
        return face.embedding

    async def enrol(self) -> None:
        for person in (ADA, BOB):
            face = NewFace(
                person=person,
                model="old",
                embedding=await self.embed(person, "old"),
                image=b"",
                content_type="image/jpeg",
            )
            with self.database.transaction() as records:
                self.face_ids[person] = records.faces.add(face)
        self.gallery.follow()

    async def embed_anew(self, *people: PersonKey) -> None:
        for person in people:
            vector = await self.embed(person, "new")
            with self.database.transaction() as records:
                assert add_embedding(records, self.face_ids[person], "new", vector)
        self.gallery.follow()

    def shadow(self, model: Callable[[], ActiveModel | None] = lambda: SHADOW, **options: Any) -> Shadow:
        self.observed = Observed()
        return Shadow(
            model=model,
            faces=self.faces,
            gallery=self.gallery,
            database=self.database,
            observer=self.observed,
            **{"rate": 1.0, **options},
        )

    def told(self, outcome: ComparisonOutcome) -> int:
        """How often the last shadow told of it."""
        return self.observed.comparisons[outcome]

    def stored(self) -> list[Comparison]:
        with self.database.transaction() as records:
            return list(records.comparisons.between("old", "new"))


@pytest.fixture
def school(faces: LocalFaceReader, database: SqlDatabase) -> School:
    school = School(faces, database)
    asyncio.run(school.enrol())
    asyncio.run(school.embed_anew(ADA, BOB))
    return school


@asynccontextmanager
async def running(shadow: Shadow) -> AsyncIterator[None]:
    """The background work, while the block runs."""
    task = asyncio.create_task(shadow.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


def offer_and_wait(
    school: School, shadow: Shadow, *offers: tuple[bytes, Outcome, PersonType | None, Box | None]
) -> None:
    """Until each was stored, dropped or failed."""

    async def work() -> None:
        async with running(shadow):
            for offer in offers:
                shadow.offer(*offer)
            await until(lambda: school.observed.comparisons.total() == len(offers))

    asyncio.run(work())


def test_what_the_shadow_says_is_stored_beside_the_answer(school: School) -> None:
    offer_and_wait(school, school.shadow(), (picture(1), ADA_IT_SAID, None, None))
    [found] = school.stored()
    assert found.answer == ADA_IT_SAID
    shadow = found.shadow
    assert (shadow.model, shadow.person, shadow.accepted) == ("new", ADA, True)
    assert shadow.similarity == pytest.approx(1, abs=1e-3)
    assert shadow.milliseconds > 0


def test_the_shadow_may_see_another_person_and_accept_nobody(school: School) -> None:
    strict = replace(SHADOW, min_similarity=1.1)
    offer_and_wait(school, school.shadow(lambda: strict), (picture(2), ADA_IT_SAID, None, None))
    [found] = school.stored()
    assert (found.shadow.person, found.shadow.accepted) == (BOB, False)


def test_the_shadow_looks_only_for_whom_the_caller_looked(school: School) -> None:
    offer_and_wait(school, school.shadow(), (picture(1), ADA_IT_SAID, PersonType.TEACHER, None))
    [found] = school.stored()
    assert (found.shadow.person, found.shadow.accepted) == (BOB, False)


@pytest.mark.parametrize("embedded", [(), (BOB,)])
def test_the_shadow_finds_only_faces_that_have_its_embeddings(
    faces: LocalFaceReader, database: SqlDatabase, embedded: tuple[PersonKey, ...]
) -> None:
    school = School(faces, database)
    asyncio.run(school.enrol())
    asyncio.run(school.embed_anew(*embedded))
    offer_and_wait(school, school.shadow(), (picture(1), ADA_IT_SAID, None, None))
    [found] = school.stored()
    assert found.shadow.person == (embedded[0] if embedded else None)
    assert found.shadow.accepted is False
    assert (found.shadow.similarity is None) == (not embedded)


def test_a_picture_in_which_the_shadow_finds_no_face_shows_it_nobody(school: School) -> None:
    offer_and_wait(school, school.shadow(), (empty_picture(), ADA_IT_SAID, None, None))
    [found] = school.stored()
    assert (found.shadow.person, found.shadow.similarity, found.shadow.accepted) == (None, None, False)


def test_faces_at_different_places_are_not_compared(school: School) -> None:
    here, there = Box(x=0, y=0, width=110, height=110), Box(x=400, y=300, width=110, height=110)
    shadow = school.shadow()
    offer_and_wait(
        school, shadow, (picture(1), ADA_IT_SAID, None, here), (picture(1), ADA_IT_SAID, None, there)
    )
    assert (school.told(STORED), school.told(DROPPED)) == (1, 1)


def test_the_rate_is_the_share_that_is_taken(school: School) -> None:
    chances = cycle([0.0, 0.2, 0.29, 0.3, 0.9, 0.1])
    shadow = school.shadow(rate=0.3, chance=lambda: next(chances))
    for _ in range(60):
        shadow.offer(picture(1), ADA_IT_SAID, None)
    assert school.told(DROPPED) == 40 - QUEUE_SIZE


def test_what_finds_no_room_is_dropped_and_offering_never_waits(school: School) -> None:
    shadow = school.shadow()
    for _ in range(QUEUE_SIZE + 3):
        shadow.offer(picture(1), ADA_IT_SAID, None)
    assert school.told(DROPPED) == 3


def test_without_the_shadow_model_what_is_offered_is_dropped(school: School) -> None:
    shadow = school.shadow(lambda: None)
    shadow.offer(picture(1), ADA_IT_SAID, None)
    assert school.told(DROPPED) == 1
    models = iter([SHADOW, None, SHADOW, SHADOW])
    unloaded = school.shadow(lambda: next(models))
    offer_and_wait(school, unloaded, (picture(1), ADA_IT_SAID, None, None))
    assert school.told(DROPPED) == 1
    assert school.stored() == []


def test_a_model_is_not_compared_with_itself(school: School) -> None:
    shadow = school.shadow(lambda: replace(SHADOW, name="old"))
    for _ in range(QUEUE_SIZE + 3):
        shadow.offer(picture(1), ADA_IT_SAID, None)
    assert school.told(DROPPED) == 0


def test_an_error_of_the_shadow_is_counted_and_the_next_picture_is_read(
    school: School, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "rollcall")
    shadow = school.shadow()
    offer_and_wait(
        school, shadow, (b"no picture", ADA_IT_SAID, None, None), (picture(1), ADA_IT_SAID, None, None)
    )
    assert (school.told(FAILED), school.told(STORED)) == (1, 1)
    assert "The shadow model could not be compared: " in caplog.text
    assert "S1" not in caplog.text


def test_others_go_first(school: School) -> None:
    async def work() -> None:
        turn = asyncio.Event()

        shadow = school.shadow(turn=turn.wait)
        async with running(shadow):
            shadow.offer(picture(1), ADA_IT_SAID, None)
            # The picture is taken out of the queue, and nothing else happens.
            for _ in range(20):
                await asyncio.sleep(0.005)
            assert (school.told(STORED), school.stored()) == (0, [])
            turn.set()
            await until(lambda: school.told(STORED) == 1)

    asyncio.run(work())


def test_who_was_deleted_while_the_picture_waited_leaves_no_comparison(school: School) -> None:
    async def delete() -> None:
        await school.database.run(lambda records: records.faces.remove_person(ADA))
        school.gallery.follow()

    shadow = school.shadow(turn=delete)
    offer_and_wait(school, shadow, (picture(2), ADA_IT_SAID, None, None))
    assert (school.told(DROPPED), school.stored()) == (1, [])
