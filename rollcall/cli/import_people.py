"""`rollcall import`: enrol a list of people with a folder of photos."""

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from db.connect import missing_file
from db.engine import open_database
from db.migrate import pending_statements
from rollcall import compose
from rollcall.cli.progress_bars import ProgressBars
from rollcall.core.errors import DatabaseError, InvalidRequest
from rollcall.core.imports import ImportedRow, ImportMode, ImportOrder, RowOutcome
from rollcall.core.people import PersonType
from rollcall.core.settings import Settings
from rollcall.importing.folder import FolderPhotos
from rollcall.importing.photo_lists import in_folder
from rollcall.importing.report import ReportFile, former, report_file

_POLITENESS: Final = 10  # so that a server beside goes first
_TOLD_ROWS: Final = 10  # of those that failed; the report has all


def add_command(commands: Any) -> None:
    command = commands.add_parser(
        "import",
        help="enrol a list of people with a folder of photos",
        description="Enrol people from a CSV file with the columns code, name and perhaps photo, or without "
        "a list: then the names of files and folders are the codes. It can be broken off and run again; "
        "what is enrolled is not done twice. docs/bulk-import.md tells more.",
    )
    command.add_argument("--type", required=True, choices=[kind.value for kind in PersonType])
    command.add_argument("--csv", type=Path, metavar="FILE", help="the list of people")
    command.add_argument("--photos", required=True, type=Path, metavar="DIR", help="the folder of photos")
    command.add_argument("--dry-run", action="store_true", help="say what would be done, and enrol nobody")
    command.add_argument(
        "--mode",
        default=ImportMode.REJECT,
        choices=[mode.value for mode in ImportMode],
        help="what to do with people who were enrolled with other photos: leave them alone (reject, the "
        "default), add the faces, or replace theirs",
    )
    command.add_argument(
        "--report", type=Path, metavar="FILE", help="the CSV file with what became of each photo"
    )
    command.set_defaults(run=run)


async def run(options: argparse.Namespace, settings: Settings) -> int:
    """Import, with a report of each photo and a summary; 1 if any failed.

    Raises:
        InvalidRequest: the list or the folder cannot be read, or the report not be written.
        ModelNotLoaded, DatabaseError: what was enrolled before stays.
    """
    order = ImportOrder(
        photos=in_folder(options.csv, options.photos),
        person_type=PersonType(options.type),
        mode=ImportMode(options.mode),
        dry_run=options.dry_run,
    )
    total = sum(person.rows for person in order.photos.people())
    FolderPhotos(options.photos).require_some()
    os.nice(_POLITENESS)
    place = options.report or _report_beside(options)
    _require_another(place, options.csv)
    with _database_for(order, settings) as settings, report_file(place) as report:
        tally = Tally(order=order, total=total, report=report, place=place)
        parts = compose.build(settings, compose.batching_reader(settings))
        try:
            await _import(parts, tally)
        finally:
            parts.close()
    # A file's name may be no Unicode.
    print("\n".join(tally.summary()).encode("utf-8", "backslashreplace").decode())
    return 1 if tally.went_wrong else 0


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the rows so far."""

    order: ImportOrder
    total: int
    report: ReportFile
    place: Path
    counts: Counter[RowOutcome] = field(default_factory=Counter)
    warnings: int = 0
    failures: list[ImportedRow] = field(default_factory=list)  # the first of them

    @property
    def went_wrong(self) -> bool:
        return bool(self.counts[RowOutcome.FAILED] or self.counts[RowOutcome.DUPLICATE])

    def add(self, rows: Sequence[ImportedRow]) -> None:
        self.report.add(rows)
        self.counts.update(row.outcome for row in rows)
        self.warnings += sum(row.outcome is RowOutcome.ENROLLED and not row.plain for row in rows)
        wrong = (RowOutcome.FAILED, RowOutcome.DUPLICATE)
        room = _TOLD_ROWS - len(self.failures)
        self.failures += [row for row in rows if row.outcome in wrong][:room]

    def summary(self) -> Iterator[str]:
        for row in self.failures:
            where = " ".join(filter(None, (f"line {row.line}:" if row.line else "", row.code, row.photo)))
            yield f"{where}: {row.trouble.reason if row.trouble else row.outcome}"
        wrong = self.counts[RowOutcome.FAILED] + self.counts[RowOutcome.DUPLICATE]
        if wrong > len(self.failures):
            yield f"... and {wrong - len(self.failures)} more"
        would = "would be " if self.order.dry_run else ""
        counts = self.counts
        yield (
            f"{counts[RowOutcome.ENROLLED]} {would}enrolled, {self.warnings} of them with a warning; "
            f"{counts[RowOutcome.SKIPPED]} skipped, {counts[RowOutcome.FAILED]} failed, "
            f"{counts[RowOutcome.DUPLICATE]} duplicate lines"
        )
        yield f"The report is {self.place}"


async def _import(parts: compose.Parts, tally: Tally) -> None:
    await parts.prepare_database.run()
    await parts.models.step()
    with ProgressBars(unit="photos") as bars, _saying_how_far(tally):
        bars.say(f"Enrolling with {parts.models.active().name}")
        await parts.import_alone.begin(tally.order, tally.total)
        step = "Looking" if tally.order.dry_run else "Enrolling"
        bars(step, 0, tally.total)
        async with aclosing(parts.import_alone.run(tally.order)) as done:
            async for rows in done:
                tally.add(rows)
                bars(step, tally.counts.total(), tally.total)


@contextmanager
def _database_for(order: ImportOrder, settings: Settings) -> Iterator[Settings]:
    """A dry run makes neither a database nor a table."""
    if not order.dry_run:
        yield settings
    elif missing_file(settings.database_url.get_secret_value()):
        with tempfile.TemporaryDirectory() as folder:
            url = SecretStr(f"sqlite:///{folder}/empty.db")
            yield settings.model_copy(update={"database_url": url})
    else:
        _require_migrated(settings)
        yield settings


def _require_migrated(settings: Settings) -> None:
    database = open_database(settings.database_url.get_secret_value(), pool_size=1)
    try:
        if pending_statements(database):
            raise DatabaseError("The database lacks tables of this version; `rollcall migrate` makes them.")
    finally:
        database.close()


@contextmanager
def _saying_how_far(tally: Tally) -> Iterator[None]:
    """Broken off, or after a fault, what was done stays, and a person wants to know what that is."""
    try:
        yield
    except BaseException:
        done = f"{tally.counts.total()} of {tally.total} photos are done"
        enrolled = (
            "" if tally.order.dry_run else f", {tally.counts[RowOutcome.ENROLLED]} of them enrolled now"
        )
        print(
            f"{done}{enrolled}; the report so far is {tally.place}. Run the same command again to go on: "
            "nothing is enrolled twice.",
            file=sys.stderr,
        )
        raise


def _require_another(report: Path, list: Path | None) -> None:
    """The report must not take the place of the list."""
    if list is not None and any(made.exists() and made.samefile(list) for made in (report, former(report))):
        raise InvalidRequest("The report would take the place of the list. --report names another file.")


def _report_beside(options: argparse.Namespace) -> Path:
    """`people-report.csv` beside `people.csv`, or `photos-report.csv` beside the folder `photos`."""
    beside: Path = options.csv or options.photos.resolve()
    kind = "dry-run-report" if options.dry_run else "report"
    return beside.with_name(f"{beside.stem}-{kind}.csv")
