"""Faces get the embeddings that they lack, and what was made is never lost."""

import asyncio

import numpy as np
import pytest

from db.engine import SqlDatabase
from rollcall.core.errors import (
    DatabaseError,
    InternalError,
    InvalidImage,
    ModelNotLoaded,
    Overloaded,
    RollcallError,
)
from rollcall.core.faces import Reading
from rollcall.gallery.gallery import FaceGallery
from rollcall.workflows.embed_missing import FACES_A_WRITE, EmbedMissing
from rollcall.workflows.pacing import QUIET_WIDTH, AttendedReader, Pace
from tests.db.rows import embedding, entries, new_face, read, student
from tests.unit.rollcall.workflows.readers import ScriptedReader, face_of, reading_of, until

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NEW = "new"
Outcome = Reading | RollcallError


def shows(picture: bytes) -> Outcome:
    """The n-th picture shows the n-th face."""
    return reading_of(face_of(embedding(1000 + int(picture), length=8)))


def enrol(database: SqlDatabase, count: int) -> list[int]:
    with database.transaction() as records:
        return [
            records.faces.add(new_face(student(f"S{n}"), image=str(n).encode(), embedding=embedding(n)))
            for n in range(count)
        ]


def embedder(database: SqlDatabase, reader: ScriptedReader) -> EmbedMissing:
    pace = Pace(AttendedReader(reader))
    return EmbedMissing(faces=reader, database=database, pace=pace, pause_after_fault=0.01)


def embedded(database: SqlDatabase) -> list[int]:
    """Faces that have an embedding by the new model."""
    query = "SELECT FaceId FROM RollcallEmbeddings WHERE Model = 'new' AND Vector IS NOT NULL ORDER BY FaceId"
    return [row[0] for row in read(database, query)]


def noted(database: SqlDatabase) -> dict[int, str]:
    query = "SELECT FaceId, Problem FROM RollcallEmbeddings WHERE Model = 'new' AND Vector IS NULL"
    return {row[0]: row[1] for row in read(database, query)}


def test_every_face_gets_what_was_made_of_its_own_picture(database: SqlDatabase) -> None:
    ids = enrol(database, FACES_A_WRITE + 8)
    told = []

    async def tell(tried: int) -> None:
        told.append((tried, len(embedded(database))))

    async def scenario() -> None:
        embed = embedder(database, ScriptedReader(shows))
        assert await embed.all(NEW, tell) == len(ids)
        assert await embed.all(NEW, tell) == 0

    asyncio.run(scenario())
    # It is told how many are stored, not how many were read.
    assert told[-1] == (len(ids), len(ids))
    assert all(tried == stored for tried, stored in told)
    with database.transaction() as records:
        found = {one.face_id: one.vector for one in entries(records.faces.embeddings()) if one.model == NEW}
    for n, face_id in enumerate(ids):
        np.testing.assert_array_equal(found[face_id], embedding(1000 + n, length=8))


@pytest.mark.parametrize("error", [ModelNotLoaded(), Overloaded()])
def test_after_an_error_in_the_middle_the_next_pass_goes_on_from_there(
    database: SqlDatabase, error: RollcallError
) -> None:
    ids = enrol(database, 30)
    reader = ScriptedReader(lambda picture: error if picture == b"20" else shows(picture))

    async def scenario() -> None:
        embed = embedder(database, reader)
        with pytest.raises(type(error)):
            await embed.all(NEW)
        assert embedded(database) == ids[:20]
        assert noted(database) == {}
        reader.answer, reader.read_so_far = shows, []
        assert await embed.all(NEW) == 10
        assert sorted(reader.read_so_far) == [str(n).encode() for n in range(20, 30)]

    asyncio.run(scenario())
    assert embedded(database) == ids


def test_pictures_that_cannot_be_read_are_noted_and_not_tried_again(database: SqlDatabase) -> None:
    ids = enrol(database, 4)
    outcomes: dict[bytes, Outcome] = {
        b"0": InvalidImage(),
        b"1": reading_of(),
        b"2": reading_of(face_of(None)),  # cut off
    }
    reader = ScriptedReader(lambda picture: outcomes.get(picture) or shows(picture))

    async def scenario() -> None:
        embed = embedder(database, reader)
        assert await embed.all(NEW) == 4
        assert await embed.all(NEW) == 0

    asyncio.run(scenario())
    assert noted(database) == {
        ids[0]: "INVALID_IMAGE",
        ids[1]: "NO_FACE_DETECTED",
        ids[2]: "NO_FACE_DETECTED",
    }
    assert embedded(database) == [ids[3]]


@pytest.mark.parametrize(("faults", "problem"), [(1, None), (2, "INTERNAL_ERROR")])
def test_a_fault_of_the_moment_marks_no_face(database: SqlDatabase, faults: int, problem: str | None) -> None:
    [face_id] = enrol(database, 1)
    left = [InternalError()] * faults
    reader = ScriptedReader(lambda picture: left.pop() if left else shows(picture))
    asyncio.run(embedder(database, reader).all(NEW))
    assert len(reader.read_so_far) == 2
    assert noted(database) == ({face_id: problem} if problem else {})
    assert embedded(database) == ([] if problem else [face_id])


def test_a_cancelled_pass_leaves_nothing_running_and_stores_what_was_read(database: SqlDatabase) -> None:
    ids = enrol(database, QUIET_WIDTH + 20)
    reader = ScriptedReader(shows)
    reader.held = {str(n).encode() for n in range(9, len(ids))}

    async def scenario() -> None:
        task = asyncio.create_task(embedder(database, reader).all(NEW))
        await until(lambda: reader.inside == QUIET_WIDTH)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert reader.inside == 0
        await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})

    asyncio.run(scenario())
    assert embedded(database) == ids[:9]


def test_a_picture_that_was_replaced_while_it_was_read_is_read_again(database: SqlDatabase) -> None:
    [face_id] = enrol(database, 1)
    reader = ScriptedReader(shows)
    reader.held = {b"0"}

    async def scenario() -> None:
        embed = embedder(database, reader)
        task = asyncio.create_task(embed.all(NEW))
        await until(lambda: reader.inside == 1)
        with database.connection() as connection:
            connection.exec_driver_sql("UPDATE FaceData SET ImageData = X'35'")
        reader.held = set()
        assert await task == 1
        assert embedded(database) == []
        assert await embed.all(NEW) == 1

    asyncio.run(scenario())
    gallery = FaceGallery(database, limit=60)
    gallery.follow()
    found = gallery.faces_of(NEW)
    assert found is not None
    assert found.face_ids.tolist() == [face_id]
    np.testing.assert_array_equal(found.vectors[0], embedding(1005, length=8))


def test_a_database_that_fails_ends_the_pass_and_the_next_one_makes_up_for_it(database: SqlDatabase) -> None:
    ids = enrol(database, 3)
    reader = ScriptedReader(shows)

    async def scenario() -> None:
        embed = embedder(database, reader)
        with database.connection() as connection:
            connection.exec_driver_sql("ALTER TABLE RollcallKnownFaces RENAME TO Away")
        with pytest.raises(DatabaseError):
            await embed.all(NEW)
        assert embedded(database) == []  # all of a batch, or nothing
        with database.connection() as connection:
            connection.exec_driver_sql("ALTER TABLE Away RENAME TO RollcallKnownFaces")
        assert await embed.all(NEW) == 3

    asyncio.run(scenario())
    assert embedded(database) == ids
