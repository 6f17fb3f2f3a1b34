"""The report of a bulk import: a CSV file that Excel opens."""

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rollcall.core.errors import InvalidRequest
from rollcall.core.imports import ImportedRow
from rollcall.core.spreadsheets import BOM, harmless_cell

COLUMNS: Final = (
    *("line", "code", "name", "photo", "outcome", "error_code", "reason", "what_to_do"),
    "same_face_as",
)


class CsvReport:
    """Implements core.jobs.Report."""

    def head(self) -> bytes:
        return (BOM + _csv([COLUMNS])).encode("utf-8")

    def lines(self, rows: Sequence[ImportedRow]) -> bytes:
        # A name in a folder may be no Unicode.
        return _csv(map(_cells, rows)).encode("utf-8", "backslashreplace")


class ReportFile:
    """The same as a file that grows, so that a run that is killed leaves what it knew."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._report = CsvReport()
        self._write(self._report.head())

    def add(self, rows: Sequence[ImportedRow]) -> None:
        """Raises InvalidRequest: it cannot be written."""
        self._write(self._report.lines(rows))

    def _write(self, content: bytes) -> None:
        try:
            while content:
                content = content[os.write(self._descriptor, content) :]
        except OSError as error:
            raise _cannot_write(error) from None


@contextmanager
def report_file(file: Path) -> Iterator[ReportFile]:
    """In place of a file of that name, which is kept as `former` says. Only its owner may read it, for it
    names people.

    Raises:
        InvalidRequest: it cannot be written.
    """
    try:
        if file.is_file() or file.is_symlink():
            file.replace(former(file))
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _cannot_write(error) from None
    try:
        yield ReportFile(descriptor)
    finally:
        os.close(descriptor)


def former(file: Path) -> Path:
    """Where the report goes that was there before."""
    return file.with_stem(f"{file.stem}-before")


def _cells(row: ImportedRow) -> Iterable[str | int]:
    trouble = row.trouble
    cells = (
        *(row.code, row.name, row.photo or "", row.outcome.value),
        *((trouble.code, trouble.reason, trouble.what_to_do) if trouble else ("", "", "")),
        row.same_face_as or "",
    )
    return ("" if row.line is None else row.line, *map(harmless_cell, cells))


def _csv(rows: Iterable[Iterable[str | int]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cannot_write(error: OSError) -> InvalidRequest:
    return InvalidRequest(f"The report cannot be written: {error.strerror}. --report names another file.")
