"""Forgetting, on real databases."""

import asyncio

import pytest

from db.engine import SqlDatabase
from rollcall.core.errors import NotFound
from rollcall.workflows.registry import Registry
from tests.db.rows import new_face, read


def test_what_is_left_of_a_face_that_others_deleted_goes_though_the_caller_is_told_that_there_is_none(
    database: SqlDatabase,
) -> None:
    face_id = database.run_sync(lambda records: records.faces.add(new_face()))
    with database.connection() as connection:
        connection.exec_driver_sql("DELETE FROM FaceData")
    before = database.run_sync(lambda records: records.changes.latest())
    with pytest.raises(NotFound):
        asyncio.run(Registry(database=database).forget_face(face_id))
    assert read(database, "SELECT COUNT(*) FROM RollcallEmbeddings") == [(0,)]
    news = database.run_sync(lambda records: records.changes.after(before))
    assert news.changed == frozenset({face_id})
