"""`rollcall import`: enrol a folder of photos."""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from rollcall import compose
from rollcall.core.errors import DuplicateEnrollment, InvalidRequest, RollcallError
from rollcall.core.people import PersonType
from rollcall.core.settings import Settings
from rollcall.workflows.bulk_import import BulkImport, Line, read_list
from rollcall.workflows.enroll import Enrolled


def add_command(commands: Any) -> None:
    command = commands.add_parser(
        "import",
        help="enrol a folder of photos",
        description="Enrol people from a CSV file with the columns code and name. The photos of a code are "
        "DIR/<code>.jpg and all pictures in DIR/<code>/ (.jpg, .jpeg, .png, .webp). "
        "People who are enrolled already are left alone.",
    )
    command.add_argument("--type", required=True, choices=[kind.value for kind in PersonType])
    command.add_argument("--csv", required=True, type=Path, metavar="FILE", help="the list of people")
    command.add_argument("--photos", required=True, type=Path, metavar="DIR", help="the folder of photos")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace, settings: Settings) -> int:
    """Import, with a line for each photo and a summary; 1 if any failed.

    Raises:
        InvalidRequest: the list or the folder cannot be read.
        ModelNotLoaded, DatabaseError: nothing can be imported.
    """
    people = read_list(options.csv)
    if not options.photos.is_dir():
        raise InvalidRequest("The folder of photos does not exist.")
    parts = compose.build(settings, compose.local_reader(settings))
    try:
        await parts.prepare_database.run()
        await parts.models.step()
        print(f"Enrolling with {parts.models.active().name}")
        return await _import(parts, people, options.photos, PersonType(options.type))
    finally:
        parts.close()


async def _import(parts: compose.Parts, people: list[Line], photos: Path, kind: PersonType) -> int:
    counts = Counter[str]()
    async for result in BulkImport(enroll=parts.workflows.enroll).run(people, photos, kind):
        what, why = _told(result.outcome)
        where = f"{result.code} {result.photo.name}" if result.photo else result.code
        print(f"{where}: {what}{why}")
        counts[what] += 1
    print(f"{counts['enrolled']} enrolled, {counts['skipped']} skipped, {counts['failed']} failed")
    return 1 if counts["failed"] else 0


def _told(outcome: Enrolled | RollcallError) -> tuple[str, str]:
    """What became of a photo, and why. One of an enrolled person is no failure: imports may be repeated."""
    match outcome:
        case Enrolled():
            return "enrolled", ""
        case DuplicateEnrollment():
            return "skipped", ", the person is enrolled already"
        case _:
            return "failed", f", {outcome.code}: {outcome.message}"
