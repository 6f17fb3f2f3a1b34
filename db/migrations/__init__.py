"""Numbered, forward-only, additive. A migration that was released is never edited; a further one is added.

Each gives the statements that the database still needs, having looked at it; it changes nothing itself. Since
they may be printed and run later, all at once, a migration must not rely on an earlier one having been run.
MySQL commits at each CREATE TABLE, so a migration may be interrupted half-way: each can run again.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from db.migrations import (
    m0001_tables,
    m0002_calibrations,
    m0003_replicas,
    m0004_models,
    m0005_recognitions,
    m0006_audit,
    m0007_imports,
)


class Migration(NamedTuple):
    number: int
    name: str
    statements: Callable[[Connection], Iterable[str]]


MIGRATIONS: Final[Sequence[Migration]] = (
    Migration(1, "tables", m0001_tables.statements),
    Migration(2, "calibrations", m0002_calibrations.statements),
    Migration(3, "replicas", m0003_replicas.statements),
    Migration(4, "models", m0004_models.statements),
    Migration(5, "recognitions", m0005_recognitions.statements),
    Migration(6, "audit", m0006_audit.statements),
    Migration(7, "imports", m0007_imports.statements),
)
