"""The parts of bulk imports."""

from contextlib import nullcontext
from typing import Final

from rollcall.compose.ground import Ground
from rollcall.compose.workflow_parts import creates_people, new_faces, uploads
from rollcall.workflows.bulk_import import BulkImport
from rollcall.workflows.carry_out_imports import CarryOutImports
from rollcall.workflows.pacing import QUIET_WIDTH
from rollcall.workflows.patience import Patience
from rollcall.workflows.read_photos import ReadPhotos, Turn

# Photos that are being read, or are read and wait for one before them.
AHEAD: Final = QUIET_WIDTH + 8
# The runner is back some ten seconds after it died, a database some more.
PATIENCE_SECONDS: Final = 300.0
# A person waits at the keyboard; what is done stays.
COMMAND_PATIENCE_SECONDS: Final = 30.0


def carry_out_imports(on: Ground, owner: str) -> CarryOutImports:
    """A server's: people go first."""
    return CarryOutImports(
        uploads=uploads(on.settings),
        database=on.database,
        bulk_import=_bulk_import(on, Patience(PATIENCE_SECONDS), on.pace.turn, AHEAD),
        owner=owner,
    )


def import_alone(on: Ground, width: int) -> BulkImport:
    """A command's, which has the machine."""
    return _bulk_import(on, Patience(COMMAND_PATIENCE_SECONDS), nullcontext, width)


def _bulk_import(on: Ground, patience: Patience, turn: Turn, width: int) -> BulkImport:
    return BulkImport(
        read=ReadPhotos(
            new_faces=new_faces(on, on.faces),
            database=on.database,
            patience=patience,
            turn=turn,
            width=width,
        ),
        database=on.database,
        gallery=on.gallery,
        models=on.models,
        patience=patience,
        create_people=creates_people(on.settings),
        observer=on.observer,
    )
