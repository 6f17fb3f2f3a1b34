"""All rows about one person, on one connection."""

from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    exists,
    func,
    inspect,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError

from db import tables
from db.audit import SqlAudit
from db.changes import SqlChanges
from db.expressions import chunks, has_code
from db.people import TABLES
from db.references import acting, read_references, referrers_first
from rollcall.core.erasure import ORPHANS, Erasure, Traces
from rollcall.core.errors import InvalidRequest
from rollcall.core.people import PersonType

# No index serves has_code. One statement looks through this many rows, so that none takes long.
_WINDOW: Final = 10_000


class SqlTraces:
    """Finds and deletes what is known of a person. The caller owns the transaction and its lock.

    Raises:
        InvalidRequest: what is to be kept would be deleted by foreign keys of the school's own.
    """

    def __init__(self, connection: Connection, erasure: Erasure) -> None:
        self._connection, self._erasure = connection, erasure
        self._person = TABLES[erasure.person.type]
        self._ids = {table: self._find(table, rule) for table, rule in self._rules().items()}
        self._orphans = self._orphaned()
        self._entries = self._find(tables.audit, self._in_audit())
        self._references = read_references(connection)
        self._require_that_kept_rows_stay()
        self._picture = self._picture_to_clear()

    def summary(self) -> Traces:
        """How many rows there are, by table."""
        faces = self._ids[tables.face_data]
        rows = {
            **{table.name: len(ids) for table, ids in self._ids.items()},
            **{table.name: self._count(table, faces) for table in tables.OF_A_FACE},
            ORPHANS: len(self._orphans),
        }
        kept = {table.name for table in self._kept()}
        return Traces(
            rows={name: count for name, count in rows.items() if name not in kept},
            kept={name: count for name, count in rows.items() if name in kept},
            face_ids=tuple(faces),
            clears_picture=self._picture is not None,
            cascades=tuple(sorted({ref.table for ref in acting(self._references, self._losing())})),
            audit_entries=len(self._entries),
        )

    def delete(self) -> None:
        """Delete them, note the faces in the change table, and blank the person in the audit.

        Raises:
            InvalidRequest: a table of the school's own refers to a row.
        """
        faces = self._ids[tables.face_data]
        for ids in chunks([*faces, *self._orphans]):
            for table in tables.OF_A_FACE:
                self._connection.execute(delete(table).where(table.c.FaceId.in_(ids)))
        by_name = {table.name: table for table in self._ids if table not in self._kept()}
        for name in referrers_first(self._references, by_name):
            self._delete(by_name[name])
        self._clear_picture()
        SqlAudit(self._connection).blank(self._entries)
        SqlChanges(self._connection).append([*faces, *self._orphans])

    def _rules(self) -> dict[Table, ColumnElement[bool]]:
        """Which rows of which tables; those first that may refer to the others."""
        person = self._erasure.person
        rules: dict[Table, ColumnElement[bool]] = {}
        if person.type is PersonType.STUDENT:
            table = tables.attendance_records
            rules[table] = has_code(table.c.StudentCode, [person.code])
        others = [type.value for type in PersonType if type is not person.type]
        for table in (tables.face_recognition_logs, tables.face_data):
            kind = table.c.PersonType
            # The old server left the type out at times. Nobody else can be meant by a word that is no type.
            same_type = or_(kind.is_(None), ~has_code(kind, others))
            rules[table] = and_(has_code(table.c.PersonCode, [person.code]), same_type)
        table = tables.comparisons
        rules[table] = or_(
            *(
                and_(
                    has_code(table.c[f"{whose}Code"], [person.code]),
                    ~has_code(table.c[f"{whose}Type"], others),
                )
                for whose in ("Person", "ShadowPerson")
            )
        )
        table = tables.recognitions
        rules[table] = or_(
            and_(has_code(table.c.PersonCode, [person.code]), ~has_code(table.c.PersonType, others)),
            # Feedback names a code and no type.
            has_code(table.c.ActualCode, [person.code]),
        )
        table = tables.job_rows
        rules[table] = or_(
            and_(has_code(table.c.PersonCode, [person.code]), table.c.PersonType == person.type.value),
            # Rows of others that say whose face theirs is like.
            has_code(table.c.SameFaceAs, [f"{person.type.value} {person.code}"]),
        )
        rules[self._person] = has_code(self._person.c[f"{self._person.name}Code"], [person.code])
        return rules

    def _in_audit(self) -> ColumnElement[bool]:
        table, person = tables.audit, self._erasure.person
        return and_(has_code(table.c.PersonCode, [person.code]), table.c.PersonType == person.type.value)

    def _kept(self) -> Iterator[Table]:
        if self._erasure.keep_person:
            yield self._person
        if self._erasure.keep_attendance:
            yield tables.attendance_records

    def _losing(self) -> Iterator[str]:
        """Names of the tables from which rows are to be deleted."""
        kept = set(self._kept())
        yield from (table.name for table, ids in self._ids.items() if ids and table not in kept)

    def _require_that_kept_rows_stay(self) -> None:
        kept = {table.name.lower() for table in self._kept()}
        for reference in acting(self._references, self._losing()):
            to_person = reference.target.lower() == self._person.name.lower()
            # A row that only forgets a face is kept; one that forgets whose it is is not.
            if reference.table.lower() in kept and (reference.deletes or to_person):
                way_out = " --keep-person keeps both." if to_person else ""
                raise InvalidRequest(
                    f"Nothing was erased: {reference.table} cannot be kept, because the database deletes or "
                    f"changes its rows with those of {reference.target} that they refer to.{way_out}"
                )

    def _find(self, table: Table, rule: ColumnElement[bool]) -> list[int]:
        found: list[int] = []
        for window in self._windows(table.c.Id):
            found += self._connection.execute(select(table.c.Id).where(window, rule)).scalars()
        return found

    def _windows(self, key: Column[int]) -> Iterator[ColumnElement[bool]]:
        """Conditions that cut a table into pieces of `_WINDOW` rows."""
        rest: ColumnElement[bool] = true()
        while True:
            query = select(key).where(rest).order_by(key).limit(1).offset(_WINDOW - 1)
            last = self._connection.execute(query).scalar()
            if last is None:
                yield rest
                return
            yield and_(rest, key <= last)
            rest = key > last

    def _orphaned(self) -> list[int]:
        found: set[int] = set()
        for table in tables.OF_A_PICTURE:
            has_face = exists().where(tables.face_data.c.Id == table.c.FaceId)
            found.update(
                self._connection.execute(select(table.c.FaceId).distinct().where(~has_face)).scalars()
            )
        return sorted(found)

    def _count(self, table: Table, face_ids: Sequence[int]) -> int:
        query = select(func.count()).select_from(table)
        return sum(
            self._connection.execute(query.where(table.c.FaceId.in_(ids))).scalar_one()
            for ids in chunks(face_ids)
        )

    def _delete(self, table: Table) -> None:
        try:
            for ids in chunks(self._ids[table]):
                self._connection.execute(delete(table).where(table.c.Id.in_(ids)))
        except IntegrityError:
            way_out = " --keep-person keeps that row." if table is self._person else ""
            raise InvalidRequest(
                f"Nothing was erased: another table refers to a row of {table.name} here.{way_out}"
            ) from None

    def _picture_to_clear(self) -> Column[bytes] | None:
        """The column to clear; None if the row goes, or the school's table has no such column."""
        if not self._erasure.keep_person or not self._ids[self._person]:
            return None
        name = f"{self._person.name}Image"
        there = {
            column["name"].lower() for column in inspect(self._connection).get_columns(self._person.name)
        }
        return self._person.c[name] if name.lower() in there else None

    def _clear_picture(self) -> None:
        if self._picture is None:
            return
        for ids in chunks(self._ids[self._person]):
            self._connection.execute(
                update(self._person).where(self._person.c.Id.in_(ids)).values({self._picture: None})
            )
