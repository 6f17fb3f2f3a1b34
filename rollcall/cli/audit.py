"""`rollcall audit`: who changed or took out what."""

import argparse
import csv
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rollcall.cli.patient_database import patient_database
from rollcall.cli.progress_bars import ProgressBars
from rollcall.core.audit import Action, AuditEntry, AuditFilter, moment_of
from rollcall.core.counted import counted
from rollcall.core.settings import Settings
from rollcall.core.spreadsheets import harmless_cell
from rollcall.workflows.verify_audit import AuditReport, VerifyAudit

LISTED: Final = 50  # unless more are asked for
_HASH: Final = re.compile("[0-9a-f]{64}")
_COLUMNS: Final = (
    *("number", "moment", "actor", "address", "request_id", "action", "person_type", "person_code"),
    *("details", "hash"),
)


def add_command(commands: Any) -> None:
    audit = commands.add_parser("audit", help="show who changed what, and that nobody altered that")
    actions = audit.add_subparsers(required=True, metavar="ACTION")
    verify = actions.add_parser(
        "verify",
        help="check the chain of entries",
        description="Read all entries and check that none was changed, removed, exchanged or cut off. Prints "
        "the newest entry's hash: whoever keeps that elsewhere can later prove with --since-hash that "
        "nothing up to it was written anew.",
    )
    verify.add_argument("--since-hash", type=_hash, metavar="HASH", help="a hash that was noted earlier")
    verify.set_defaults(run=_verify)
    show = actions.add_parser("list", help="show the newest entries")
    show.add_argument(
        "--limit", type=_count, metavar="N", help=f"so many (default: {LISTED}; with --csv all)"
    )
    show.add_argument("--person", metavar="CODE", help="about the student or teacher of this code")
    show.add_argument("--action", type=Action, choices=list(Action), metavar="ACTION", help=", ".join(Action))
    show.add_argument("--since", type=_moment, metavar="DATE", help="from 2026-11-21 or 2026-11-21T12:30 on")
    show.add_argument("--csv", action="store_true", help="as CSV, with the hashes")
    show.set_defaults(run=_list)


def _hash(word: str) -> str:
    if not _HASH.fullmatch(word.strip().lower()):
        raise argparse.ArgumentTypeError("a hash has 64 hexadecimal digits")
    return word.strip().lower()


def _count(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError("must be a number from 1 on")
    return int(word)


def _moment(word: str) -> str:
    """As entries have it. UTC, unless the word says otherwise."""
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a date such as 2026-11-21") from None
    return moment_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


async def _verify(options: argparse.Namespace, settings: Settings) -> int:
    """1 if the chain is broken. Raises DatabaseError."""
    with patient_database(settings) as database, ProgressBars(unit="entries") as bars:
        found = VerifyAudit(database=database, progress=bars).run(options.since_hash)
    print("\n".join(_told(found)))
    return 0 if found.fault is None else 1


def _told(found: AuditReport) -> Iterator[str]:
    if found.fault is not None:
        yield f"The audit is broken. {found.fault}"
        yield f"Before that {counted(found.entries, 'entry is', 'entries are')} right."
        return
    if found.moments is None:
        yield "There are no entries yet."
        return
    first, last = found.moments
    yield f"{counted(found.entries, 'entry', 'entries')} from {first} to {last}; the chain is whole."
    if found.since is not None:
        yield f"The hash that was noted is entry {found.since}'s: {found.entries - found.since} came since."
    yield f"Newest hash: {found.newest.hash}"


async def _list(options: argparse.Namespace, settings: Settings) -> int:
    """Raises DatabaseError."""
    limit = options.limit or (None if options.csv else LISTED)
    wanted = AuditFilter(limit=limit, code=options.person, action=options.action, since=options.since)
    with patient_database(settings) as database:
        entries = database.run_sync(lambda records: records.audit.newest(wanted))
    if options.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows([_cell(getattr(entry, name)) for name in _COLUMNS] for entry in entries)
    else:
        print("\n".join(_table(entries)) or "There are no such entries.")
    return 0


def _cell(value: object) -> str:
    """Codes are whatever callers sent, and addresses what proxies did."""
    return "" if value is None else harmless_cell(str(value))


def _table(entries: Sequence[AuditEntry]) -> Iterator[str]:
    """In columns as wide as what is in them, but for the last."""
    if not entries:
        return
    rows = [("NUMBER", "MOMENT", "ACTOR", "ADDRESS", "REQUEST", "ACTION", "PERSON", "DETAILS")]
    rows += [_cells(entry) for entry in entries]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]) - 1)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        yield f"{'  '.join(cells)}  {row[-1]}"


def _cells(entry: AuditEntry) -> tuple[str, str, str, str, str, str, str, str]:
    person = f"{entry.person_type} {entry.person_code}" if entry.person_code is not None else ""
    if entry.is_blanked:
        person = "(erased)"
    return (
        str(entry.number),
        entry.moment,
        _printable(entry.actor),
        _printable(entry.address) or "-",
        _printable(entry.request_id) or "-",
        entry.action,
        _printable(person) or "-",
        _printable(entry.details),
    )


def _printable(text: str) -> str:
    """Without what could command a terminal: an address may be whatever a proxy sent."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
