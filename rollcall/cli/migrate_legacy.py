"""`rollcall migrate-legacy`: the old server's rows get the active model's embedding."""

import argparse
import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from db.engine import SqlDatabase
from rollcall import compose
from rollcall.cli.legacy_report import written_whole
from rollcall.cli.patient_database import patient_database
from rollcall.cli.progress_bars import ProgressBars
from rollcall.core.counted import counted
from rollcall.core.errors import InvalidRequest
from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.legacy import DOUBTS, Looked, OldRow, Outcome, RowReport
from rollcall.core.settings import Settings
from rollcall.modelstore.listing import sha256_of
from rollcall.workflows.check_model import CheckModel
from rollcall.workflows.legacy_rows import LegacyRows
from rollcall.workflows.migrate_legacy import LegacyRules, MigrateLegacy

# dlib takes most of the time: a third to half a second a picture on one core.
_SECONDS_A_PICTURE: Final = 0.5
_MOST_ENGINES: Final = 8
_POLITENESS: Final = 10  # so that a server beside goes first


def add_command(commands: Any) -> None:
    command = commands.add_parser(
        "migrate-legacy",
        help="give the old server's faces an embedding of the active model",
        description="Give FaceData rows of the old server an embedding of the active model, from their "
        "pictures. docs/moving-in.md tells more.",
    )
    actions = command.add_subparsers(required=True, metavar="ACTION")
    plan = actions.add_parser("plan", help="say what would be done, and change nothing")
    plan.set_defaults(run=_plan)
    run = actions.add_parser("run", help="move what can be moved; the old descriptors are kept")
    run.add_argument(
        "--accept",
        nargs="+",
        default=[],
        choices=[doubt.value for doubt in DOUBTS],
        metavar="OUTCOME",
        help=f"move rows of this outcome too: {', '.join(DOUBTS)}",
    )
    run.set_defaults(run=_run)
    for action in (plan, run):
        action.add_argument(
            "--report", type=Path, metavar="FILE", help="write a CSV file, a line for each row"
        )
    actions.add_parser("verify", help="check the rows that were moved").set_defaults(run=_verify)
    rollback = actions.add_parser("rollback", help="put the old descriptors back, byte for byte")
    rollback.add_argument("--face-id", nargs="+", type=int, metavar="ID", help="of these rows only")
    rollback.set_defaults(run=_roll_back)


async def _plan(options: argparse.Namespace, settings: Settings) -> int:
    """Count the rows by what would be done. Raises InvalidRequest, DatabaseError."""
    counts = Counter[Outcome]()
    with (
        patient_database(settings) as database,
        written_whole(options.report) as report,
        ProgressBars(unit="rows") as bars,
    ):
        await _count(LegacyRows(database=database, progress=bars).plan(), report, counts)
    print("\n".join(_told(counts)) or "There are no rows of the old server.")
    if pictures := counts[Outcome.TO_MOVE]:
        minutes = pictures * _SECONDS_A_PICTURE / _engines(settings) / 60
        print(f"run would take about {max(1, round(minutes))} min at half a second a picture and core.")
    return 0


async def _run(options: argparse.Namespace, settings: Settings) -> int:
    """Move the rows, and say what became of them.

    Raises:
        InvalidRequest: the report cannot be written, or the rows cannot be moved here.
        ModelNotLoaded, DatabaseError: what was moved before stays moved.
    """
    os.nice(_POLITENESS)
    # dlib is needed to compare, whether or not it may answer in place of the model.
    settings = settings.model_copy(update={"model_fallback": "face_recognition"})
    counts = Counter[Outcome]()
    with patient_database(settings) as database, written_whole(options.report) as report:
        rules = LegacyRules(
            model=await asyncio.to_thread(_active_model, database, settings),
            check_quality=settings.enable_face_quality_check,
            accepted=frozenset(Outcome(word) for word in options.accept),
        )
        with ProgressBars(unit="rows") as bars, _saying_how_far(counts):
            migrate = await _migration(database, settings, rules, bars)
            await _count(migrate.run(), report, counts)
    print("\n".join(_told(counts)) or "There are no rows of the old server.")
    return 0


async def _migration(
    database: SqlDatabase, settings: Settings, rules: LegacyRules, bars: ProgressBars
) -> MigrateLegacy:
    """With everything loaded. Raises ModelNotLoaded."""
    faces = compose.local_reader(settings)
    loaded = await faces.load(rules.model)
    sha256 = partial(sha256_of, settings.model_dir)
    await CheckModel(database=database, sha256=sha256, why_not_prepared=lambda: None).run(loaded)
    # dlib reads one picture at a time on one core.
    engines = [compose.local_reader(settings) for _ in range(_engines(settings))]
    await asyncio.gather(*(engine.load(FALLBACK_MODEL) for engine in engines))
    bars.say(f"Moving to {loaded.name}, on {loaded.backend}")
    rows = LegacyRows(database=database, progress=bars)
    return MigrateLegacy(rows=rows, database=database, faces=faces, engines=engines, rules=rules)


def _engines(settings: Settings) -> int:
    return min(compose.cores(settings), _MOST_ENGINES)


async def _verify(_options: argparse.Namespace, settings: Settings) -> int:
    """Name what is wrong; 1 if anything is. Raises DatabaseError."""
    with patient_database(settings) as database, ProgressBars(unit="rows") as bars:
        rows = LegacyRows(database=database, progress=bars)
        right, wrong = await _looked(rows.verify())
        left = len([row async for row in rows.all("Looking") if isinstance(row, OldRow)])
    moved = f"{counted(right, 'moved row is', 'moved rows are')} right, {counted(wrong, 'is', 'are')} not"
    print(f"{moved}; {counted(left, 'row still has', 'rows still have')} the old descriptor")
    return 1 if wrong else 0


async def _roll_back(options: argparse.Namespace, settings: Settings) -> int:
    """Name what was left alone; 1 if anything was. Raises DatabaseError."""
    with patient_database(settings) as database:
        rows = LegacyRows(database=database, progress=lambda _step, _done, _total: None)
        restored, left = await _looked(rows.roll_back(options.face_id))
    back = counted(restored, "row has its old descriptor again", "rows have their old descriptor again")
    print(f"{back}, {counted(left, 'was', 'were')} left alone")
    return 1 if left else 0


def _active_model(database: SqlDatabase, settings: Settings) -> str:
    """The shared one before the environment's."""
    with database.transaction() as records:
        model = records.settings.all().insightface_model or settings.insightface_model
    if model == FALLBACK_MODEL:
        raise InvalidRequest("The model must be a pack: the old server's rows have dlib's embedding already.")
    return model


async def _count(
    reports: AsyncIterator[RowReport], write: Callable[[RowReport], None], counts: Counter[Outcome]
) -> None:
    async for report in reports:
        write(report)
        counts[report.outcome] += 1


@contextmanager
def _saying_how_far(counts: Counter[Outcome]) -> Iterator[None]:
    """Broken off, or after a fault, what was done stays, and a person wants to know what that is."""
    try:
        yield
    except BaseException:
        if counts:
            moved = counted(counts[Outcome.MOVED], "is moved", "are moved")
            told = f"It came through {counted(counts.total(), 'row')}, of which {moved}."
            print(f"{told} Run it again to go on.", file=sys.stderr)
        raise


async def _looked(found: AsyncIterator[Looked]) -> tuple[int, int]:
    """Name the faults; how many rows are right, and how many are not."""
    right, wrong = 0, 0
    async for looked in found:
        right += len(looked.right)
        wrong += len(looked.faults)
        for fault in looked.faults:
            print(f"Face {fault.face_id}: {fault.problem}")
    return right, wrong


def _told(counts: Counter[Outcome]) -> Iterator[str]:
    """One line an outcome, in the order of the enumeration."""
    yield from (f"{outcome}: {counts[outcome]}" for outcome in Outcome if counts[outcome])
