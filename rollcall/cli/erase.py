"""`rollcall erase`: forget a person."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from db.erasing import SqlEraser
from rollcall.cli.breaking_off import finish_whatever_comes
from rollcall.cli.patient_database import patient_database
from rollcall.core.counted import counted
from rollcall.core.erasure import Erasure, Traces
from rollcall.core.errors import InvalidRequest
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.settings import Settings
from rollcall.workflows.erase import Erase, Receipt

_STILL_IN_THE_FILE: Final = (
    "The person is erased, but another program was reading the database: the deleted bytes are still in its "
    "file or in the -wal file. Stop the servers and programs that use it; the last to end clears both files."
)


def add_command(commands: Any) -> None:
    command = commands.add_parser(
        "erase",
        help="delete everything about a person",
        description="Delete everything about a person: faces, embeddings, recognition log, attendance and "
        "the row in Student or Teacher. Running servers forget the face at once. Prints a receipt. Backups "
        "made before still hold the person: erase again after restoring one.",
    )
    command.add_argument("--type", required=True, choices=[kind.value for kind in PersonType])
    command.add_argument("--code", required=True, help="the person's code")
    command.add_argument("--yes", action="store_true", help="do not ask")
    command.add_argument(
        "--keep-person", action="store_true", help="keep the row in Student or Teacher, without its picture"
    )
    command.add_argument("--keep-attendance", action="store_true", help="keep the attendance records")
    command.add_argument(
        "--receipt", type=Path, metavar="FILE", help="write the receipt there and not to standard output"
    )
    command.set_defaults(run=run)


async def run(options: argparse.Namespace, settings: Settings) -> int:
    """Show what there is, ask, delete, and write the receipt; 1 if the answer is no.

    Raises:
        PersonNotFound: nothing is known of that code.
        InvalidRequest, DatabaseError: nothing was deleted.
    """
    erasure = Erasure(
        person=PersonKey(type=PersonType(options.type), code=options.code),
        keep_person=options.keep_person,
        keep_attendance=options.keep_attendance,
    )
    _check_place(options.receipt)
    with patient_database(settings) as database:
        erase = Erase(eraser=SqlEraser(database, before_commit=finish_whatever_comes))
        print("\n".join(_told(erase.look(erasure))), file=sys.stderr)
        if not options.yes and not _is_sure():
            print("Nothing was erased.", file=sys.stderr)
            return 1
        receipt = erase.run(erasure)
        _deliver(receipt, options.receipt)
        if receipt.erased.wal_emptied is False:
            print(_STILL_IN_THE_FILE, file=sys.stderr)
    return 0


def _told(traces: Traces) -> Iterator[str]:
    yield "This will be deleted:"
    yield from (f"  {name}: {count}" for name, count in traces.rows.items() if count)
    if traces.audit_entries:
        blanked = ("entry of RollcallAudit, which stays", "entries of RollcallAudit, which stay")
        yield f"The code goes from {counted(traces.audit_entries, *blanked)}."
    for name, count in traces.kept.items():
        yield f"Kept: {name}: {count}"
    for name in traces.cascades:
        yield f"Rows of {name} that refer to deleted rows are deleted or changed with them."


def _is_sure() -> bool:
    try:
        # Standard output is for the receipt.
        print("Type yes to go on: ", end="", file=sys.stderr, flush=True)
        return input().strip().lower() == "yes"
    except EOFError:
        raise InvalidRequest("Nothing was erased: nobody is there to ask. --yes does not ask.") from None


def _check_place(receipt: Path | None) -> None:
    # Before anything is deleted, so that the receipt is not lost.
    if receipt is not None and (receipt.exists() or not os.access(receipt.absolute().parent, os.W_OK)):
        raise InvalidRequest("The receipt's file exists already, or its folder cannot be written to.")


def _deliver(receipt: Receipt, file: Path | None) -> None:
    if file is None:
        print(receipt.to_json())
        return
    try:
        file.write_text(receipt.to_json() + "\n", encoding="utf-8")
    except OSError as error:
        print(f"The receipt cannot be written: {error.strerror}. Here it is:", file=sys.stderr)
        print(receipt.to_json())
