"""The audit: who changed or took out what, in a chain of hashes that shows what was altered afterwards.

How another program verifies it. Entries are numbered from 1 without gaps. With all values as they are in
RollcallAudit, in the order of Id:

- `Hash` = SHA-256, in small hexadecimal digits, of the UTF-8 bytes of `PreviousHash` followed by a JSON
  object of the members Action, Actor, Address, Details, Id, Moment, PersonDigest, PersonType and RequestId,
  in this order, without blanks, with no letter escaped but those that JSON demands. NULL is null, Id is a
  number, and Details is the column's very text, as a JSON string.
- `PreviousHash` is the `Hash` of the entry before; of entry 1 it is 64 zeros.
- `PersonDigest` = SHA-256 of the UTF-8 bytes of Salt, a line feed, PersonType, a line feed and PersonCode in
  small letters without trailing blanks. Salt and PersonCode themselves are not in the chain: when a person is
  erased both become NULL, and the chain stays whole. Their number is in the `erased` entries, as
  `audit_entries` in Details.
- The row `audit` of RollcallState has the newest Id and Hash, with a blank between.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

from rollcall.core.callers import Caller
from rollcall.core.people import PersonKey, PersonType, fold_code

GENESIS: Final = "0" * 64  # stands before the first entry
LISTED_IDS: Final = 100  # of more faces an entry has the number alone

# Names and texts of ours, numbers, Ids: never a person's name or code, a picture, an embedding or a key.
Detail: TypeAlias = str | int | float | bool | Sequence[int] | Mapping[str, int] | None


class Action(StrEnum):
    """What was done. What follows by itself, such as embedding stored pictures anew, is not told."""

    ENROLLED = "enrolled"
    IMPORT_BEGUN = "import_begun"  # of a list; each face of it is told as enrolled
    IMPORT_CANCELLED = "import_cancelled"  # a server's; what was enrolled stays
    FACE_DELETED = "face_deleted"
    PERSON_DELETED = "person_deleted"  # all faces of one person
    ERASED = "erased"  # everything about one person, who is not named
    BACKUP_CREATED = "backup_created"
    BACKUP_RESTORED = "backup_restored"
    SWITCH_BEGUN = "switch_begun"
    SWITCH_ENDED = "switch_ended"
    SWITCH_CANCELLED = "switch_cancelled"
    ROLLED_BACK = "rolled_back"
    PRUNED = "pruned"
    SETTING_CHANGED = "setting_changed"
    CALIBRATION_STORED = "calibration_stored"
    LEGACY_MIGRATED = "legacy_migrated"
    LEGACY_UNDONE = "legacy_undone"
    MODEL_FETCHED = "model_fetched"
    MODEL_REMOVED = "model_removed"
    FOREIGN_WRITES = "foreign_writes"  # another program's, to FaceData


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One row of RollcallAudit. `moment` is UTC by the clock of the process that wrote it, to milliseconds.

    `person_type` and `person_digest` are None where it is about nobody; `person_code` and `salt` also where
    the person was erased since.
    """

    number: int
    moment: str
    actor: str
    address: str
    request_id: str
    action: str
    person_type: str | None
    person_code: str | None
    salt: str | None
    person_digest: str | None
    details: str  # a JSON object
    previous_hash: str
    hash: str

    @property
    def is_blanked(self) -> bool:
        """Whether it was about a person who is erased."""
        return self.person_digest is not None and self.person_code is None and self.salt is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest entry's number and hash, as RollcallState has them."""

    number: int
    hash: str


NO_ENTRIES: Final = Head(number=0, hash=GENESIS)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries to list. None stands for no restriction; `since` is a moment as entries have it."""

    limit: int | None = None
    code: str | None = None
    action: Action | None = None
    since: str | None = None


class Audit(Protocol):
    """RollcallAudit. It is appended to, and never changed but to blank a person."""

    def add(
        self, action: Action, person: PersonKey | None = None, *, by: Caller | None = None, **details: Detail
    ) -> None:
        """Append an entry of what this transaction does; by the present caller, unless `by` says who.

        Takes the lock of Changes itself, for one entry follows the other.
        """
        ...

    def head(self) -> Head | None:
        """The newest entry by the word of RollcallState; None where that has no word of it."""
        ...

    def after(self, number: int, limit: int) -> Sequence[AuditEntry]:
        """Entries that follow a number, in their order."""
        ...

    def newest(self, wanted: AuditFilter) -> Sequence[AuditEntry]:
        """The newest entries of a kind, the oldest of them first."""
        ...


def new_entry(
    after: Head, caller: Caller, action: Action, person: PersonKey | None, details: Mapping[str, Detail]
) -> AuditEntry:
    """The entry that follows the newest one."""
    salt = None if person is None else secrets.token_hex(16)
    unhashed = AuditEntry(
        number=after.number + 1,
        moment=moment_of(datetime.now(UTC)),
        # No longer than their columns, before they are hashed.
        actor=caller.name[:100],
        address=caller.address[:64],
        request_id=caller.request_id[:64],
        action=action.value,
        person_type=None if person is None else person.type.value,
        person_code=None if person is None else person.code,
        salt=salt,
        person_digest=None if person is None or salt is None else digest_of(salt, person.type, person.code),
        details=json.dumps(details, separators=(",", ":")),
        previous_hash=after.hash,
        hash="",
    )
    return replace(unhashed, hash=hash_of(unhashed))


def hash_of(entry: AuditEntry) -> str:
    """What its `hash` must be; the module's docstring says how it is made."""
    chained = {
        "Action": entry.action,
        "Actor": entry.actor,
        "Address": entry.address,
        "Details": entry.details,
        "Id": entry.number,
        "Moment": entry.moment,
        "PersonDigest": entry.person_digest,
        "PersonType": entry.person_type,
        "RequestId": entry.request_id,
    }
    canonical = json.dumps(chained, ensure_ascii=False, separators=(",", ":"))
    return _sha256(entry.previous_hash + canonical)


def digest_of(salt: str, type: PersonType | str, code: str) -> str:
    """Tells whom an entry is about to those who have the salt."""
    return _sha256(f"{salt}\n{type}\n{fold_code(code)}")


def moment_of(time: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as text: it compares and hashes alike on every database."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z"


def listed(face_ids: Sequence[int]) -> list[int]:
    """The first Ids, for an entry's details: those of a large window would fill pages."""
    return list(face_ids[:LISTED_IDS])


def _sha256(text: str) -> str:
    # A text from outside may hold half a surrogate pair; whatever it is, it must have a hash.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
