"""Another program beside us, and rounds that notice what it does."""

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from db.engine import SqlDatabase
from rollcall.workflows.notice_foreign_writes import NoticeForeignWrites
from tests.db.rows import new_face, read, student


def a_round(database: SqlDatabase) -> int:
    return asyncio.run(NoticeForeignWrites(database=database).round())


def write(database: SqlDatabase, statement: str, **values: Any) -> None:
    """As another program does."""
    with database.connection() as connection:
        connection.execute(text(statement), values)


def changes(database: SqlDatabase) -> Sequence[int]:
    """What the change table holds, in its order."""
    return [face_id for (face_id,) in read(database, "SELECT FaceId FROM RollcallChanges ORDER BY Id")]


def enrol(database: SqlDatabase, code: str = "S1") -> int:
    with database.transaction() as records:
        return records.faces.add(new_face(student(code)))
