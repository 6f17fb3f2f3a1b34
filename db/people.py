"""The users' Student and Teacher tables."""

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Column, Connection, Row, Select, bindparam, func, insert, select

from db import tables
from db.expressions import CHUNK, has_code, plain_code_key
from db.locking import lock
from rollcall.core.people import Person, PersonKey, PersonType, fold_code

HINT_SECONDS: Final = 60.0
TABLES = {PersonType.STUDENT: tables.student, PersonType.TEACHER: tables.teacher}


class PersonRows:
    """In which rows persons were found. Hints for one process: whoever takes one checks the row's code.

    No index serves codes, so without a hint each look reads the whole table. All are forgotten once a minute:
    a row of a lower Id may have come, and nobody's code is to be kept for ever.
    """

    def __init__(self) -> None:
        self._ids: dict[PersonKey, int] = {}
        self._since = time.monotonic()

    def of(self, keys: Iterable[PersonKey]) -> list[int]:
        """The Ids that are known."""
        ids = self._ids  # another thread may begin anew
        return [ids[key] for key in keys if key in ids]

    def remember(self, key: PersonKey, row_id: int) -> None:
        if time.monotonic() - self._since > HINT_SECONDS:
            self._ids, self._since = {}, time.monotonic()
        self._ids[key] = row_id


class SqlPeople:
    """All SQL about persons. The caller owns the transaction.

    Where several rows have the same code the one of the lowest Id counts, if it was there a minute ago.
    """

    def __init__(self, connection: Connection, hints: PersonRows) -> None:
        self._connection = connection
        self._hints = hints

    def find(self, key: PersonKey) -> Person | None:
        """The person as Student or Teacher has it; the nickname, or nothing, stands in for a missing name."""
        row = self._rows(key.type, [key]).get(key)
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
            for key, row in self._rows(type, [key for key in wanted if key.type is type]).items():
                names[key] = _name(row)
        return names

    def row_ids(self, keys: Iterable[PersonKey]) -> Mapping[PersonKey, int]:
        """Ids in Student or Teacher of those of the persons that exist."""
        wanted = set(keys)
        return {
            key: row.id
            for type in PersonType
            for key, row in self._rows(type, [key for key in wanted if key.type is type]).items()
        }

    def _rows(self, type: PersonType, keys: Sequence[PersonKey]) -> dict[PersonKey, Row[Any, Any, Any]]:
        """The row of each person who has one."""
        found: dict[PersonKey, Row[Any, Any, Any]] = {}
        if ids := self._hints.of(keys[:CHUNK]):
            found = _first(keys, self._connection.execute(_of_ids(type), {"ids": ids}))
        if missing := [key for key in keys if key not in found]:
            rest = _first(missing, self._search(type, missing))
            for key, row in rest.items():
                self._hints.remember(key, row.id)
            found |= rest
        return found

    def _search(self, type: PersonType, keys: Sequence[PersonKey]) -> Iterable[Row[Any, Any, Any]]:
        """Rows of these codes in order of Id; of every code where there are too many to name."""
        # Each query reads the whole table: better one than one for each chunk.
        if len(keys) > CHUNK:
            return self._connection.execute(_everybody(type))
        if all(key.code.isascii() for key in keys):
            return self._connection.execute(_of_plain_codes(type), {"codes": [key.folded for key in keys]})
        return self._connection.execute(
            _everybody(type).where(has_code(_code(type), (key.code for key in keys)))
        )


def _first(
    keys: Iterable[PersonKey], rows: Iterable[Row[Any, Any, Any]]
) -> dict[PersonKey, Row[Any, Any, Any]]:
    """The first row of each person."""
    by_code = {key.folded: key for key in keys}
    found: dict[PersonKey, Row[Any, Any, Any]] = {}
    for row in rows:
        if (key := by_code.get(fold_code(row.code))) is not None:
            found.setdefault(key, row)
    return found


@cache
def _everybody(type: PersonType) -> Select[Any]:
    table, code = TABLES[type], _code(type)
    name, nickname = table.c[f"{table.name}Name"], table.c[f"{table.name}Nickname"]
    query = select(table.c.Id.label("id"), code.label("code"), name.label("name"), nickname.label("nickname"))
    return query.where(code.is_not(None)).order_by(table.c.Id)


@cache
def _of_plain_codes(type: PersonType) -> Select[Any]:
    """Made once, for each recognition needs it."""
    return _everybody(type).where(plain_code_key(_code(type)).in_(bindparam("codes", expanding=True)))


@cache
def _of_ids(type: PersonType) -> Select[Any]:
    return _everybody(type).where(TABLES[type].c.Id.in_(bindparam("ids", expanding=True)))


def _code(type: PersonType) -> Column[str]:
    return TABLES[type].c[f"{TABLES[type].name}Code"]


def _name(row: Any) -> str:
    return str(row.name or row.nickname or "")
