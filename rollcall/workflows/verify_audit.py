"""Is the audit's chain whole?"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from rollcall.core.audit import NO_ENTRIES, Action, AuditEntry, Head, digest_of, hash_of
from rollcall.core.backup_ports import Progress
from rollcall.core.counted import counted
from rollcall.core.database_ports import Database, Records

ENTRIES_A_READ: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What came of it: `entries` are whole, up to `newest`; `fault` says what is not, first of all.

    `moments` are the first entry's and the last one's. `since` is the number of the entry whose hash was
    noted earlier.
    """

    entries: int
    newest: Head
    moments: tuple[str, str] | None
    since: int | None
    fault: str | None


class VerifyAudit:
    """`rollcall audit verify`. Reads all entries, a window after the other, and keeps none."""

    def __init__(self, *, database: Database, progress: Progress) -> None:
        self._database = database
        self._progress = progress

    def run(self, since_hash: str | None = None) -> AuditReport:
        """Ends at the first fault. Servers go on writing meanwhile.

        Raises:
            DatabaseError: as it says.
        """
        # First: all that it tells of must come in what is read later.
        noted = self._database.run_sync(lambda records: records.audit.head())
        total = 0 if noted is None else noted.number
        chain = _Chain(noted, since_hash)
        fault: str | None = None
        for entry in self._entries():
            if (fault := chain.fault(entry)) is not None:
                break
            chain.take(entry)
            if entry.number % ENTRIES_A_READ == 0:
                self._progress("Verifying", entry.number, max(total, entry.number))
        return AuditReport(
            entries=chain.newest.number,
            newest=chain.newest,
            moments=chain.moments,
            since=chain.since,
            fault=fault or chain.fault_at_the_end(),
        )

    def _entries(self) -> Iterator[AuditEntry]:
        after = 0
        while window := self._database.run_sync(partial(_window, after)):
            yield from window
            after = window[-1].number


def _window(after: int, records: Records) -> Sequence[AuditEntry]:
    return records.audit.after(after, ENTRIES_A_READ)


class _Chain:
    """What was found right so far. `noted` is what RollcallState said before the entries were read."""

    def __init__(self, noted: Head | None, since_hash: str | None) -> None:
        self._noted = noted
        self._since_hash = since_hash
        self._blanked = 0
        self._accounted = 0  # by the entries of erasing
        self.newest = NO_ENTRIES
        self.moments: tuple[str, str] | None = None
        self.since: int | None = None

    def fault(self, entry: AuditEntry) -> str | None:
        """What is wrong with the entry that comes next."""
        expected = self.newest.number + 1
        if entry.number != expected:
            if entry.number == expected + 1:
                return f"Entry {expected} is missing."
            return f"Entries {expected} to {entry.number - 1} are missing."
        if hash_of(entry) != entry.hash:
            return f"Entry {entry.number} was changed: its hash is not that of what it says."
        if entry.previous_hash != self.newest.hash:
            before = f"entry {self.newest.number}" if self.newest.number else "the beginning"
            return (
                f"The order is broken: entry {entry.number} does not follow {before}. It or what was before "
                "it was replaced."
            )
        if self._noted is not None and entry.number == self._noted.number and entry.hash != self._noted.hash:
            return f"Entry {entry.number} was replaced: RollcallState has another hash of it."
        return _fault_of_person(entry)

    def take(self, entry: AuditEntry) -> None:
        """The entry is right."""
        self.newest = Head(number=entry.number, hash=entry.hash)
        self.moments = (self.moments[0] if self.moments else entry.moment, entry.moment)
        if entry.hash == self._since_hash:
            self.since = entry.number
        self._blanked += entry.is_blanked
        if entry.action == Action.ERASED.value:
            self._accounted += _audit_entries(entry)

    def fault_at_the_end(self) -> str | None:
        """What is missing altogether."""
        noted, last = self._noted, self.newest.number
        if noted is None and last:
            return "RollcallState does not say which entry is the newest, so some may have been cut off."
        if noted is not None and noted.number > last:
            return f"The end is cut off: {last} is the last entry, and RollcallState knows of {noted.number}."
        # Not the other way round: a person may have been erased after the entries about him were read.
        if self._blanked > self._accounted:
            blanked = counted(self._blanked, "entry", "entries")
            return f"The person is blanked in {blanked}; erasing did so in {self._accounted}."
        if self._since_hash is not None and self.since is None:
            return "No entry has the hash that was noted: what was there then was cut off or written anew."
        return None


def _fault_of_person(entry: AuditEntry) -> str | None:
    if entry.is_blanked or (entry.person_digest, entry.person_code, entry.salt) == (None, None, None):
        return None
    whole = entry.person_type is not None and entry.person_code is not None and entry.salt is not None
    if whole and entry.person_digest == digest_of(
        entry.salt or "", entry.person_type or "", entry.person_code or ""
    ):
        return None
    return f"The digest of entry {entry.number} is another person's: its code or salt was changed."


def _audit_entries(entry: AuditEntry) -> int:
    """In how many entries an erasure blanked the person, as its own entry says."""
    try:
        count = json.loads(entry.details).get("audit_entries", 0)
    except (ValueError, AttributeError):
        return 0
    return count if isinstance(count, int) else 0
