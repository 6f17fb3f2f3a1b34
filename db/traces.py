"""All rows about one person, on one connection."""

from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    exists,
    func,
    inspect,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from db import tables
from db.changes import SqlChanges
from db.expressions import chunks, code_key
from db.people import TABLES
from rollcall.core.erasure import ORPHANS, Erasure, Traces
from rollcall.core.errors import InvalidRequest
from rollcall.core.people import PersonType

# No index serves code_key. One statement looks through this many Ids, so that none takes long.
_WINDOW: Final = 100_000


class SqlTraces:
    """Finds and deletes what is known of a person. The caller owns the transaction and its lock."""

    def __init__(self, connection: Connection, erasure: Erasure) -> None:
        self._connection, self._erasure = connection, erasure
        self._person = TABLES[erasure.person.type]
        self._ids = {table: self._find(table, rule) for table, rule in self._rules().items()}
        self._orphans = self._orphaned()

    def summary(self) -> Traces:
        """How many rows there are, by table."""
        faces = self._ids[tables.face_data]
        rows = {
            **{table.name: len(ids) for table, ids in self._ids.items()},
            tables.embeddings.name: self._count(tables.embeddings, faces),
            tables.known_faces.name: self._count(tables.known_faces, faces),
            ORPHANS: len(self._orphans),
        }
        kept = {table.name for table in self._kept()}
        return Traces(
            rows={name: count for name, count in rows.items() if name not in kept},
            kept={name: count for name, count in rows.items() if name in kept},
            face_ids=tuple(faces),
            cascades=() if self._erasure.keep_person else tuple(self._cascades()),
        )

    def delete(self) -> None:
        """Delete them, and note the faces in the change table.

        Raises:
            InvalidRequest: a table of the school's own refers to a row.
        """
        faces = self._ids[tables.face_data]
        for ids in chunks([*faces, *self._orphans]):
            for table in (tables.embeddings, tables.known_faces):
                self._connection.execute(delete(table).where(table.c.FaceId.in_(ids)))
        for table, found in self._ids.items():
            if table not in self._kept():
                self._delete(table, found)
            elif table is self._person:
                self._clear_picture(found)
        SqlChanges(self._connection).append([*faces, *self._orphans])

    def _rules(self) -> dict[Table, ColumnElement[bool]]:
        """Which rows of which tables. The person's first: other tables may forbid to delete it."""
        person = self._erasure.person
        code = code_key(literal(person.code))
        rules = {self._person: code_key(self._person.c[f"{self._person.name}Code"]) == code}
        if person.type is PersonType.STUDENT:
            table = tables.attendance_records
            rules[table] = code_key(table.c.StudentCode) == code
        for table in (tables.face_recognition_logs, tables.face_data):
            kind = code_key(table.c.PersonType)
            # The old server left the type out at times.
            same_type = or_(kind == code_key(literal(person.type.value)), kind.is_(None), kind == "")
            rules[table] = and_(code_key(table.c.PersonCode) == code, same_type)
        return rules

    def _kept(self) -> Iterator[Table]:
        if self._erasure.keep_person:
            yield self._person
        if self._erasure.keep_attendance:
            yield tables.attendance_records

    def _find(self, table: Table, rule: ColumnElement[bool]) -> list[int]:
        first, last = self._connection.execute(select(func.min(table.c.Id), func.max(table.c.Id))).one()
        found: list[int] = []
        for start in range(first, last + 1, _WINDOW) if first is not None else ():
            window = and_(table.c.Id >= start, table.c.Id < start + _WINDOW)
            found += self._connection.execute(select(table.c.Id).where(window, rule)).scalars()
        return found

    def _orphaned(self) -> list[int]:
        table = tables.embeddings
        has_face = exists().where(tables.face_data.c.Id == table.c.FaceId)
        return list(self._connection.execute(select(table.c.FaceId).distinct().where(~has_face)).scalars())

    def _count(self, table: Table, face_ids: Sequence[int]) -> int:
        query = select(func.count()).select_from(table)
        return sum(
            self._connection.execute(query.where(table.c.FaceId.in_(ids))).scalar_one()
            for ids in chunks(face_ids)
        )

    def _cascades(self) -> Iterator[str]:
        if not self._ids[self._person]:
            return
        inspector = inspect(self._connection)
        for name in inspector.get_table_names():
            for key in inspector.get_foreign_keys(name):
                changes = key["options"].get("ondelete", "RESTRICT").upper() not in ("RESTRICT", "NO ACTION")
                if changes and key["referred_table"].lower() == self._person.name.lower():
                    yield name

    def _delete(self, table: Table, ids: Sequence[int]) -> None:
        try:
            for some in chunks(ids):
                self._connection.execute(delete(table).where(table.c.Id.in_(some)))
        except IntegrityError:
            way_out = " --keep-person keeps that row." if table is self._person else ""
            raise InvalidRequest(
                f"Nothing was erased: another table refers to a row of {table.name} here.{way_out}"
            ) from None

    def _clear_picture(self, ids: Sequence[int]) -> None:
        column = self._person.c[f"{self._person.name}Image"]
        for some in chunks(ids):
            self._connection.execute(
                update(self._person).where(self._person.c.Id.in_(some)).values({column: None})
            )
