"""RollcallComparisons: what two models said of the same pictures."""

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Row, insert, or_, select

from db import tables
from db.listing import key_of
from db.locking import start_writing
from rollcall.core.comparisons import Comparison, Outcome
from rollcall.core.people import PersonKey

WINDOW: Final = 5000  # rows read at once

_Row: TypeAlias = Row[Any]


class SqlComparisons:
    """All SQL about comparisons. The caller owns the transaction. Dates are the database's clock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, comparison: Comparison) -> None:
        """Insert a row, dated now. Waits for no other writer on MySQL."""
        start_writing(self._connection)
        answer, shadow = comparison.answer, comparison.shadow
        values = {
            "Model": answer.model,
            "Shadow": shadow.model,
            **_said("", answer),
            **_said("Shadow", shadow),
        }
        self._connection.execute(insert(tables.comparisons).values(**values))

    def between(self, one: str, other: str) -> Iterator[Comparison]:
        """All of these two models, whichever answered, the oldest first; read a window at a time."""
        table = tables.comparisons
        pair = or_(
            (table.c.Model == one) & (table.c.Shadow == other),
            (table.c.Model == other) & (table.c.Shadow == one),
        )
        query = select(table).where(pair).order_by(table.c.Id).limit(WINDOW)
        last = 0
        while rows := self._connection.execute(query.where(table.c.Id > last)).all():
            last = rows[-1].Id
            yield from map(_comparison, rows)

    def models(self) -> frozenset[str]:
        """All models of which there is a comparison."""
        table = tables.comparisons
        pairs = self._connection.execute(select(table.c.Model, table.c.Shadow).distinct())
        return frozenset(name for pair in pairs for name in pair)


def _said(prefix: str, outcome: Outcome) -> dict[str, object]:
    """The columns of one outcome."""
    person = outcome.person
    return {
        f"{prefix}PersonType": person.type.value if person else None,
        f"{prefix}PersonCode": person.code if person else None,
        f"{prefix}Similarity": outcome.similarity,
        f"{prefix}Accepted": int(outcome.accepted),
        f"{prefix}Milliseconds": outcome.milliseconds,
    }


def _comparison(row: _Row) -> Comparison:
    return Comparison(
        answer=Outcome(
            model=row.Model,
            person=_person(row.PersonType, row.PersonCode),
            similarity=row.Similarity,
            accepted=bool(row.Accepted),
            milliseconds=row.Milliseconds,
        ),
        shadow=Outcome(
            model=row.Shadow,
            person=_person(row.ShadowPersonType, row.ShadowPersonCode),
            similarity=row.ShadowSimilarity,
            accepted=bool(row.ShadowAccepted),
            milliseconds=row.ShadowMilliseconds,
        ),
    )


def _person(type: str | None, code: str | None) -> PersonKey | None:
    return None if code is None else key_of(type, code)
