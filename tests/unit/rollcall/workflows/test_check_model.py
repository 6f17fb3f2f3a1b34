"""A model is only used under the name under which it made embeddings."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from db.engine import SqlDatabase, open_database
from rollcall.core.errors import DatabaseError, ModelNotLoaded
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.models import Fingerprint, LoadedModel
from rollcall.workflows.check_model import CheckModel

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
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
