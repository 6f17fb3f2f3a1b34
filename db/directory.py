"""Everybody of Student and Teacher, and who has faces without being there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, String, func, literal, or_, select, type_coerce

from db import tables
from db.dates import date_of
from db.expressions import chunks, code_key, exact_text
from db.listing import of_person
from db.people import TABLES
from db.person_rows import PersonRow, code_of, person_rows
from rollcall.core.directory import Entry, Search
from rollcall.core.people import PersonType, fold_code

# Neither database gives it a meaning of its own in LIKE.
_ESCAPE: Final = "|"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Faces:
    """What a person has in FaceData, with the code as it is spelt there."""

    code: str
    count: int
    last: datetime | None


class _Line(NamedTuple):
    """What the order is made of; `row_id` is None where there is no row of Student or Teacher."""

    type: PersonType
    folded: str
    row_id: int | None


class SqlDirectory:
    """All SQL about everybody. The caller owns the transaction.

    First all Ids and codes are read, then names and the rest for the page alone: with 20,000 people the
    difference is most of the time. No image is ever read.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, search: Search) -> tuple[Sequence[Entry], int]:
        """A page of entries in order of type and code, and how many there are on all pages."""
        lines: list[_Line] = []
        faces: dict[tuple[PersonType, str], _Faces] = {}
        for type in [search.type] if search.type else PersonType:
            of_type = self._faces(type)
            rows = self._rows(type, search.text)
            found = {**_without_row(of_type, rows, search.text), **rows}
            faces.update({(type, folded): each for folded, each in of_type.items()})
            lines += (
                _Line(type, folded, found[folded])
                for folded in sorted(found)
                if search.enrolled in (None, folded in of_type)
            )
        chosen = lines[search.offset : search.offset + search.limit]
        return self._entries(chosen, faces), len(lines)

    def _rows(self, type: PersonType, text: str | None) -> dict[str, int]:
        """The Id of each person's first row, by folded code."""
        table, code = TABLES[type], code_of(type)
        query = select(table.c.Id, code.label("code")).where(code.is_not(None))
        if text is not None:
            query = query.where(or_(_has_part(code, text), _has_part(_name_of(type), text)))
        rows: dict[str, int] = {}
        for row in self._connection.execute(query.order_by(table.c.Id)):
            rows.setdefault(fold_code(str(row.code)), row.Id)
        rows.pop("", None)
        return rows

    def _faces(self, type: PersonType) -> dict[str, _Faces]:
        """What each person of a type has in FaceData, by folded code."""
        # Not by the column's own collation, which may take two codes for one.
        code = exact_text(tables.face_data.c.PersonCode)
        last = type_coerce(func.max(tables.face_data.c.CreatedDate), String)
        query = select(code.label("code"), func.count().label("times"), last.label("last"))
        found: dict[str, _Faces] = {}
        for row in self._connection.execute(query.where(of_person(type, None)).group_by(code)):
            faces = _Faces(code=str(row.code).rstrip(" "), count=row.times, last=date_of(row.last))
            folded = fold_code(faces.code)
            found[folded] = _together(found[folded], faces) if folded in found else faces
        return found

    def _entries(
        self, lines: Sequence[_Line], faces: Mapping[tuple[PersonType, str], _Faces]
    ) -> Sequence[Entry]:
        rows = {
            (type, row.id): row
            for type in PersonType
            for row in self._details(type, [line.row_id for line in lines if line.type is type])
        }
        entries = []
        for line in lines:
            own, row = faces.get((line.type, line.folded)), rows.get((line.type, line.row_id or 0))
            entries.append(
                Entry(
                    type=line.type,
                    code=row.code if row else own.code if own else line.folded,
                    name=row.name if row else None,
                    group=row.group if row else None,
                    campus=row.campus if row else None,
                    face_count=own.count if own else 0,
                    last_enrolled=own.last if own else None,
                )
            )
        return entries

    def _details(self, type: PersonType, row_ids: Sequence[int | None]) -> Iterator[PersonRow]:
        query = person_rows(self._connection, type)
        for ids in chunks([row_id for row_id in row_ids if row_id is not None]):
            rows = self._connection.execute(query.where(TABLES[type].c.Id.in_(ids)))
            yield from (PersonRow.of(row) for row in rows)


def _without_row(
    faces: Mapping[str, _Faces], rows: Mapping[str, int], text: str | None
) -> dict[str, int | None]:
    """Those whose code has the text, so that `rows` would have them if there were a row."""
    part = None if text is None else fold_code(text)
    return {folded: None for folded in faces if folded not in rows and (part is None or part in folded)}


def _together(one: _Faces, other: _Faces) -> _Faces:
    """Of two spellings of one code."""
    dates = [last for last in (one.last, other.last) if last is not None]
    return _Faces(code=one.code, count=one.count + other.count, last=max(dates, default=None))


def _name_of(type: PersonType) -> ColumnElement[Any]:
    """The name as it is shown: the nickname stands in for it."""
    table = TABLES[type]
    name, nickname = table.c[f"{table.name}Name"], table.c[f"{table.name}Nickname"]
    return func.coalesce(func.nullif(name, ""), nickname)


def _has_part(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Whether the text stands somewhere in it; no letter of it is a wild card."""
    escaped = text
    for letter in (_ESCAPE, "%", "_"):
        escaped = escaped.replace(letter, _ESCAPE + letter)
    return code_key(column).like(code_key(literal(f"%{escaped}%")), escape=_ESCAPE)
