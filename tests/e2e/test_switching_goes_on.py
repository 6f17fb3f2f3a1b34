"""A switch whose server is killed goes on, and what cannot move is still recognised."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.engine import SqlDatabase, open_database
from tests.db.rows import read
from tests.e2e.test_replicas import is_healthy, write
from tests.e2e.two_models import (
    FIRST,
    SECOND,
    Load,
    begin,
    ended,
    enrol,
    figure,
    recognized,
    stands,
    switch,
    write_models,
)
from tests.servers import RollcallServer, wait_for

pytestmark = pytest.mark.slow

PEOPLE = 30
FACES = 2 * PEOPLE
SWITCH_FACES = f'rollcall_switch_faces{{model="{SECOND}"}}'
SWITCH_DONE = f'rollcall_switch_faces_done{{model="{SECOND}"}}'


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RollcallServer]:
    with RollcallServer(tmp_path, **write_models(tmp_path / "models")) as server:
        wait_for(lambda: is_healthy(server), "good health")
        yield server


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqlDatabase]:
    """As another program sees it."""
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
    yield database
    database.close()


def embedded(database: SqlDatabase) -> set[tuple[int, int]]:
    """The embeddings by the second model, each by its own Id and its face's."""
    return {
        (id, face)
        for id, face in read(
            database, f"SELECT Id, FaceId FROM RollcallEmbeddings WHERE Model = '{SECOND}' ORDER BY Id"
        )
    }


def test_a_switch_goes_on_after_a_kill_and_does_nothing_twice(
    server: RollcallServer, database: SqlDatabase
) -> None:
    for face in range(FACES):
        enrol(server, face % PEOPLE, mode="add")
    # Callers go first, so that embedding takes many seconds.
    with Load(server, callers=4, people=PEOPLE):
        assert begin(server, SECOND).status_code == 202
        wait_for(lambda: figure(server, SWITCH_DONE) > 0, "the first faces being embedded")
        assert figure(server, SWITCH_FACES) == FACES
        server.kill()
    before = embedded(database)
    assert 0 < len(before) < FACES
    server.start()
    wait_for(lambda: server.health().get("model_loaded", False), "a new start")
    assert (stands(server)["active"], stands(server)["next"]) == (FIRST, SECOND)
    assert recognized(server, 3)["match"]["person_code"] == "S3"
    done = ended(server)
    assert (done["state"], done["done"], done["total"]) == ("done", FACES, FACES)
    assert (done["rehearsal"]["probes"], done["rehearsal"]["rank1_agreement"]) == (FACES, 1.0)
    assert before < embedded(database)
    assert sorted(face for _, face in embedded(database)) == list(range(1, FACES + 1))
    assert recognized(server, 3)["match"]["model"] == SECOND


def test_faces_that_cannot_move_are_listed_and_recognised_by_the_old_model(
    server: RollcallServer, database: SqlDatabase
) -> None:
    for person in (1, 2, 3):
        enrol(server, person)
    write(database, "UPDATE FaceData SET ImageData = NULL WHERE PersonCode = 'S1'")
    write(database, "UPDATE FaceData SET ImageData = x'00' WHERE PersonCode = 'S2'")
    done = switch(server, SECOND)
    assert (done["state"], done["rehearsal"]["faces"]) == ("done", 1)
    left = server.client.get("/api/models/left").json()
    assert [(face["person_code"], face["reason"]) for face in left["faces"]] == [
        ("S1", "NO_IMAGE"),
        ("S2", "INVALID_IMAGE"),
    ]
    assert (left["total_count"], stands(server)["left_faces"]) == (2, 2)
    assert is_healthy(server)  # nothing waits: these faces can never be embedded
    for person, model in ((1, FIRST), (2, FIRST), (3, SECOND)):
        answer = recognized(server, person)
        assert (answer["model"], answer["match"]["model"]) == (SECOND, model)
        assert answer["match"]["person_code"] == f"S{person}"

    enrol(server, 1, mode="replace")

    assert recognized(server, 1)["match"]["model"] == SECOND
    assert stands(server)["left_faces"] == 1
