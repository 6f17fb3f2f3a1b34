"""The users' Student and Teacher tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, bindparam, func, insert, select

from db import tables
from db.expressions import CHUNK, has_code, plain_code_key
from db.locking import lock
from rollcall.core.people import Person, PersonKey, PersonType, fold_code

TABLES = {PersonType.STUDENT: tables.student, PersonType.TEACHER: tables.teacher}


class SqlPeople:
    """All SQL about persons. The caller owns the transaction.

    Where several rows have the same code the one of the lowest Id counts.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, key: PersonKey) -> Person | None:
        """The person as Student or Teacher has it; the nickname, or nothing, stands in for a missing name."""
        row = next(self._rows(key.type, [key]), None)
        if row is None:
            return None
        return Person(key=PersonKey(type=key.type, code=row.code), name=_name(row))

    def add(self, person: Person) -> None:
        """Insert a row with the code and the name."""
        lock(self._connection)
        prefix = TABLES[person.key.type].name
        values = {
            f"{prefix}Code": person.key.code,
            f"{prefix}Name": person.name,
            "CreatedDate": func.current_timestamp(),
        }
        self._connection.execute(insert(TABLES[person.key.type]).values(values))

    def names(self, keys: Iterable[PersonKey]) -> Mapping[PersonKey, str]:
        """Names of those of the persons that exist."""
        wanted = set(keys)
        names: dict[PersonKey, str] = {}
        for type in PersonType:
            by_code = {key.folded: key for key in wanted if key.type is type}
            for row in self._rows(type, list(by_code.values())):
                key = by_code.get(fold_code(row.code))
                if key is not None:
                    names.setdefault(key, _name(row))
        return names

    def _rows(self, type: PersonType, keys: Sequence[PersonKey]) -> Iterator[Row[Any, Any, Any]]:
        """Rows of these codes in order of Id; of every code where there are too many to name."""
        if not keys:
            return iter(())
        # No index serves code_key, so each query reads the whole table: better one than one for each chunk.
        if len(keys) > CHUNK:
            return iter(self._connection.execute(_everybody(type)).all())
        if all(key.code.isascii() for key in keys):
            codes = {"codes": [key.folded for key in keys]}
            return iter(self._connection.execute(_of_plain_codes(type), codes).all())
        query = _everybody(type).where(has_code(_code(type), (key.code for key in keys)))
        return iter(self._connection.execute(query).all())


@cache
def _everybody(type: PersonType) -> Select[Any]:
    table, code = TABLES[type], _code(type)
    name, nickname = table.c[f"{table.name}Name"], table.c[f"{table.name}Nickname"]
    query = select(code.label("code"), name.label("name"), nickname.label("nickname"))
    return query.where(code.is_not(None)).order_by(table.c.Id)


@cache
def _of_plain_codes(type: PersonType) -> Select[Any]:
    """Made once, for each recognition needs it."""
    return _everybody(type).where(plain_code_key(_code(type)).in_(bindparam("codes", expanding=True)))


def _code(type: PersonType) -> Column[str]:
    return TABLES[type].c[f"{TABLES[type].name}Code"]


def _name(row: Any) -> str:
    return str(row.name or row.nickname or "")
