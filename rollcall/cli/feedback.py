"""`rollcall feedback`: how often were the answers right?"""

import argparse
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from rollcall.cli.patient_database import patient_database
from rollcall.core.feedback import Accuracy
from rollcall.core.settings import Settings

_COLUMNS: Final = (
    "faces",
    "matches",
    "similarity",
    "told",
    "true matches",
    "false matches",
    "missed",
    "rightly nobody",
    "right",
)


def add_command(commands: Any) -> None:
    command = commands.add_parser(
        "feedback",
        help="how often the answers were right, by what callers said of them",
        description="By the model that answered: faces looked for, matches and their mean similarity, of how "
        "many answers POST /api/face/feedback told whether they were right, and what it told. It reads the "
        "database, so it counts all servers and outlives them.",
    )
    command.add_argument(
        "--since",
        type=_moment,
        metavar="DATE",
        help="only recognitions from then on by the database's clock, as 2026-09-01 or 2026-09-01T08:00",
    )
    command.set_defaults(run=run)


async def run(options: argparse.Namespace, settings: Settings) -> int:
    """Print the table.

    Raises:
        DatabaseError: as it says.
    """
    with patient_database(settings) as database:
        found = database.run_sync(lambda records: records.recognitions.accuracy(options.since))
    print("\n".join(report(found)))
    return 0


def report(found: Sequence[Accuracy]) -> Iterator[str]:
    """The lines; no person is named in them."""
    if not found:
        yield "No recognition is stored."
        return
    rows = [("model", *_COLUMNS), *((each.model, *_cells(each)) for each in found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for model, *cells in rows:
        figures = (f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        yield "  ".join([f"{model:<{widths[0]}}", *figures])
    if not any(each.told for each in found):
        yield ""
        yield "Nobody has told yet whether an answer was right: POST /api/face/feedback does."


def _cells(of: Accuracy) -> tuple[str, ...]:
    """In the order of _COLUMNS."""
    return (
        str(of.faces),
        str(of.matches),
        "-" if of.mean_similarity is None else f"{of.mean_similarity:.4f}",
        str(of.told),
        str(of.true_matches),
        str(of.false_matches),
        str(of.false_non_matches),
        str(of.true_non_matches),
        f"{of.right / of.told:.2%}" if of.told else "-",
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a date such as 2026-09-01 is needed") from None
    if moment.tzinfo is not None:
        raise argparse.ArgumentTypeError("the database's clock has no time zone")
    return moment
