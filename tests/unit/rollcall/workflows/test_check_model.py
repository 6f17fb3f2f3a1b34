"""A model is only used under the name under which it made embeddings."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from db.engine import SqlDatabase, open_database
from rollcall.core.errors import DatabaseError, ModelNotLoaded
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.models import WAITING, Fingerprint, LeftFace, LoadedModel
from rollcall.core.records import FurtherEmbedding
from rollcall.workflows.check_model import CheckModel
from tests.db.rows import embedding, new_face

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "mariadb"], indirect=True)
ONE, ANOTHER = "1" * 64, "2" * 64


def model(name: str = "m", dimension: int = 512, recogniser: str | None = "rec.onnx") -> LoadedModel:
    return LoadedModel(name=name, backend="none", dimension=dimension, recogniser=recogniser)


def check(
    database: SqlDatabase,
    loaded: LoadedModel,
    sha256: str | None = ONE,
    why_not_prepared: Callable[[], str | None] = lambda: None,
) -> None:
    checking = CheckModel(
        database=database, sha256=lambda _model, _file: sha256, why_not_prepared=why_not_prepared
    )
    asyncio.run(checking.run(loaded))


def known(database: SqlDatabase, name: str = "m") -> Fingerprint | None:
    return database.run_sync(lambda records: records.fingerprints.of(name))


def test_the_first_model_of_a_name_is_remembered_and_accepted_ever_after(database: SqlDatabase) -> None:
    for _ in range(2):
        check(database, model())
    assert known(database) == Fingerprint(recogniser=ONE, dimension=512)
    check(database, model("other"), ANOTHER)


def test_another_recogniser_of_the_same_name_is_refused(database: SqlDatabase) -> None:
    check(database, model())
    database.run_sync(lambda records: records.faces.add(new_face(model="m")))
    with pytest.raises(ModelNotLoaded, match=r"the recogniser is another\. Put the former files back"):
        check(database, model(), ANOTHER)
    with pytest.raises(ModelNotLoaded, match="gives 256 numbers where that one gave 512"):
        check(database, model(dimension=256), ANOTHER)
    assert known(database) == Fingerprint(recogniser=ONE, dimension=512)


def test_a_recogniser_that_cannot_be_read_is_refused(database: SqlDatabase) -> None:
    with pytest.raises(ModelNotLoaded, match="cannot be read"):
        check(database, model(), None)
    assert known(database) is None


def test_the_fallback_engine_is_always_the_same(database: SqlDatabase) -> None:
    check(database, model(FALLBACK_MODEL, 128, recogniser=None), None)
    assert known(database, FALLBACK_MODEL) is None


def test_without_a_database_nothing_can_be_told(database: SqlDatabase, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="being prepared"):
        check(database, model(), why_not_prepared=lambda: "The database is being prepared.")
    assert known(database) is None
    empty = open_database(f"sqlite:///{tmp_path}/empty.db", pool_size=1)
    try:
        with pytest.raises(DatabaseError):
            check(empty, model())
    finally:
        empty.close()


def test_another_recogniser_is_accepted_where_the_former_left_no_embedding(database: SqlDatabase) -> None:
    face_id = database.run_sync(lambda records: records.faces.add(new_face(model="other")))
    check(database, model())
    failed = FurtherEmbedding(face_id=face_id, image_crc32=None, problem="NO_FACE_DETECTED")
    database.run_sync(lambda records: records.faces.add_further("m", [failed]))
    check(database, model(dimension=256), ANOTHER)
    assert known(database) == Fingerprint(recogniser=ANOTHER, dimension=256)
    # What the wrong one could not read the right one has not tried.
    assert [face.reason for face in left(database)] == [WAITING]
    check(database, model(dimension=256), ANOTHER)
    with_it = FurtherEmbedding(face_id=face_id, image_crc32=None, vector=embedding(0))
    database.run_sync(lambda records: records.faces.add_further("m", [with_it]))
    with pytest.raises(ModelNotLoaded, match="recogniser is another"):
        check(database, model(), ONE)


def test_another_recogniser_is_refused_while_a_server_may_embed_with_the_former(
    database: SqlDatabase,
) -> None:
    check(database, model())
    database.run_sync(lambda records: records.servers.seen("a server", "m", ["m", "other"]))
    with pytest.raises(ModelNotLoaded, match="recogniser is another"):
        check(database, model(), ANOTHER)
    database.run_sync(lambda records: records.servers.gone("a server", stale_seconds=60))
    check(database, model(), ANOTHER)


def left(database: SqlDatabase) -> Sequence[LeftFace]:
    return database.run_sync(lambda records: records.faces.left("m", limit=None, offset=0)[0])
