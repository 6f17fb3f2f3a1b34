"""What became of the old server's rows, as a CSV file."""

import csv
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rollcall.core.errors import InvalidRequest
from rollcall.core.legacy import RowReport
from rollcall.core.spreadsheets import harmless_cell

COLUMNS: Final = ("face_id", "person_type", "person_code", "outcome", "detail", "similarity", "model")


@contextmanager
def written_whole(file: Path | None) -> Iterator[Callable[[RowReport], None]]:
    """Takes a row at each call; the file is there when the block has ended without an error, and complete.

    It replaces a file of that name. Only its owner may read it, for it holds people's codes. Without a file
    rows are taken and forgotten.

    Raises:
        InvalidRequest: the file cannot be written.
    """
    if file is None:
        yield lambda _report: None
        return
    if file.is_dir():
        raise InvalidRequest("The report must be a file, and there is a folder of that name.")
    try:
        # The mode of such a file is 0600.
        number, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)
    except OSError as error:
        raise _cannot_write(error) from None
    try:
        # SQLite may hold codes that are not UTF-8 when they come back.
        with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace", newline="") as raw:
            lines = csv.writer(raw)
            lines.writerow(COLUMNS)
            yield lambda report: lines.writerow(_cells(report))
            raw.flush()
            os.fsync(raw.fileno())
        Path(name).replace(file)
    except OSError as error:
        raise _cannot_write(error) from None
    finally:
        Path(name).unlink(missing_ok=True)


def _cells(report: RowReport) -> tuple[str | int, ...]:
    similarity = "" if report.similarity is None else f"{report.similarity:.4f}"
    # The code and the detail are whatever the old server stored.
    words = (report.type or "", report.code, report.outcome, report.detail)
    return (report.face_id, *map(harmless_cell, words), similarity, report.model or "")


def _cannot_write(error: OSError) -> InvalidRequest:
    return InvalidRequest(f"The report cannot be written: {error.strerror}.")
