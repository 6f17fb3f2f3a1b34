"""Numbered, forward-only, additive. A migration that was released is never edited; a further one is added.

MySQL commits at each CREATE TABLE, so a migration may be interrupted half-way: each can run again.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from db.migrations import m0001_tables, m0002_calibrations, m0003_replicas


class Migration(NamedTuple):
    number: int
    name: str
    apply: Callable[[Connection], None]


MIGRATIONS: Final[Sequence[Migration]] = (
    Migration(1, "tables", m0001_tables.apply),
    Migration(2, "calibrations", m0002_calibrations.apply),
    Migration(3, "replicas", m0003_replicas.apply),
)
