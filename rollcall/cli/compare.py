"""`rollcall compare`: what would change with another model?"""

import argparse
import os
from pathlib import Path
from typing import Any

from rollcall.cli.comparison_report import report
from rollcall.cli.patient_database import patient_database
from rollcall.core.errors import InvalidRequest
from rollcall.core.settings import Settings
from rollcall.workflows.compare_models import CompareModels, ModelComparison


def add_command(commands: Any) -> None:
    command = commands.add_parser(
        "compare",
        help="compare two models on the gallery and on recognitions",
        description="Compare two models by what the database holds; no picture is read anew. On the faces "
        "that have embeddings by both: who is found first, and how alike pairs of one person and of two are. "
        "On what both recognised, thanks to SHADOW_MODEL: how often they agreed, and how long they took.",
    )
    command.add_argument("--from", dest="old", required=True, metavar="OLD", help="a model's name")
    command.add_argument("--to", dest="new", required=True, metavar="NEW", help="another model's name")
    command.add_argument("--png", type=Path, metavar="FILE", help="draw the distributions of similarity")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace, settings: Settings) -> int:
    """Print the report and draw the picture; 1 if there is nothing to compare.

    Raises:
        InvalidRequest: nothing is known of a model, or the picture cannot be written.
        DatabaseError: as it says.
    """
    if options.png:
        _check_place(options.png)
    with patient_database(settings) as database:
        found = CompareModels(database=database).run(options.old, options.new)
    print("\n".join(report(options.old, options.new, found)))
    if found.gallery is None and found.recognitions is None:
        return 1
    if options.png:
        _draw(found, options.png)
    return 0


def _check_place(file: Path) -> None:
    if not file.absolute().parent.is_dir():
        raise InvalidRequest("The folder for the PNG file does not exist.")
    if file.is_dir():
        raise InvalidRequest("The PNG file cannot be written: there is a folder of that name.")


def _draw(found: ModelComparison, file: Path) -> None:
    # Here, because Matplotlib takes a second to load.
    from rollcall.cli.comparison_curves import draw

    drawn = draw(found)
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        part.write_bytes(drawn)
        part.replace(file)
    except OSError as error:
        raise InvalidRequest(f"The PNG file cannot be written: {type(error).__name__}.") from error
    finally:
        part.unlink(missing_ok=True)
    print(f"Distributions drawn into {file}")
