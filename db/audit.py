"""RollcallAudit: who changed or took out what. It is appended to, and never changed but to blank a person."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from db import tables
from db.expressions import chunks, has_code
from db.locking import lock
from rollcall.core.audit import (
    GENESIS,
    NO_ENTRIES,
    Action,
    AuditEntry,
    AuditFilter,
    Detail,
    Head,
    new_entry,
)
from rollcall.core.callers import Caller, caller
from rollcall.core.people import PersonKey

_AUDIT: Final = tables.audit
_STATE: Final = tables.state
# Made once, for each enrolment needs them.
_LAST_ID: Final = select(func.max(_AUDIT.c.Id)).scalar_subquery()
_HEAD: Final = select(_STATE.c.Value, _LAST_ID.label("last")).where(_STATE.c.Name == tables.AUDIT_ROW)
_SET_HEAD: Final = update(_STATE).where(_STATE.c.Name == tables.AUDIT_ROW)
_APPEND: Final = insert(_AUDIT)


class SqlAudit:
    """All SQL about the audit. The caller owns the transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self, action: Action, person: PersonKey | None = None, *, by: Caller | None = None, **details: Detail
    ) -> None:
        """Append an entry of what this transaction does; by the present caller, unless `by` says who.

        Takes the writers' lock, for one entry follows the other.
        """
        lock(self._connection)
        row = self._connection.execute(_HEAD).first()
        head = self._last() if row is None else _head(row.Value, row.last)
        entry = new_entry(head, by or caller.get(), action, person, details)
        self._connection.execute(_APPEND, row_of(entry))
        value = f"{entry.number} {entry.hash}"
        if row is None:
            self._connection.execute(insert(_STATE).values(Name=tables.AUDIT_ROW, Value=value))
        else:
            self._connection.execute(_SET_HEAD, {"Value": value})

    def head(self) -> Head | None:
        """The newest entry by the word of RollcallState; None where that has no word of it."""
        query = select(_STATE.c.Value).where(_STATE.c.Name == tables.AUDIT_ROW)
        value = self._connection.execute(query).scalar()
        return None if value is None else _head(value, None)

    def after(self, number: int, limit: int) -> Sequence[AuditEntry]:
        """Entries that follow a number, in their order."""
        query = select(_AUDIT).where(_AUDIT.c.Id > number).order_by(_AUDIT.c.Id).limit(limit)
        return [_entry(row) for row in self._connection.execute(query)]

    def newest(self, wanted: AuditFilter) -> Sequence[AuditEntry]:
        """The newest entries of a kind, the oldest of them first."""
        query = select(_AUDIT)
        if wanted.code is not None:
            query = query.where(has_code(_AUDIT.c.PersonCode, [wanted.code]))
        if wanted.action is not None:
            query = query.where(_AUDIT.c.Action == wanted.action.value)
        if wanted.since is not None:
            query = query.where(_AUDIT.c.Moment >= wanted.since)
        query = query.order_by(_AUDIT.c.Id.desc())
        if wanted.limit is not None:
            query = query.limit(wanted.limit)
        return [_entry(row) for row in self._connection.execute(query)][::-1]

    def blank(self, numbers: Collection[int]) -> None:
        """Let the entries of these numbers tell of nobody any more. The chain stays whole."""
        lock(self._connection)
        for some in chunks(numbers):
            blanked = update(_AUDIT).where(_AUDIT.c.Id.in_(some)).values(PersonCode=None, Salt=None)
            self._connection.execute(blanked)

    def _last(self) -> Head:
        """The last entry itself, where nothing is noted of it: before the first one."""
        query = select(_AUDIT.c.Id, _AUDIT.c.Hash).order_by(_AUDIT.c.Id.desc()).limit(1)
        row = self._connection.execute(query).first()
        return NO_ENTRIES if row is None else Head(number=row.Id, hash=row.Hash)


def _head(value: str, last: int | None) -> Head:
    """`last`: the greatest Id that is there. One that we did not write must not keep us from writing on."""
    number, _, hash = value.partition(" ")
    known = int(number) if number.isdecimal() else 0
    return Head(number=max(known, last or 0), hash=hash or GENESIS)


def row_of(entry: AuditEntry) -> dict[str, object]:
    """The row that an entry is."""
    return {
        "Id": entry.number,
        "Moment": entry.moment,
        "Actor": entry.actor,
        "Address": entry.address,
        "RequestId": entry.request_id,
        "Action": entry.action,
        "PersonType": entry.person_type,
        "PersonCode": entry.person_code,
        "Salt": entry.salt,
        "PersonDigest": entry.person_digest,
        "Details": entry.details,
        "PreviousHash": entry.previous_hash,
        "Hash": entry.hash,
    }


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        number=row.Id,
        moment=row.Moment,
        actor=row.Actor,
        address=row.Address,
        request_id=row.RequestId,
        action=row.Action,
        person_type=row.PersonType,
        person_code=row.PersonCode,
        salt=row.Salt,
        person_digest=row.PersonDigest,
        details=row.Details,
        previous_hash=row.PreviousHash,
        hash=row.Hash,
    )
