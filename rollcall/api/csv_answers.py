"""Answers that are opened in a spreadsheet."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from fastapi.responses import Response

from rollcall.core.spreadsheets import csv_text

# FastAPI's `responses` for an operation that can answer with a file.
CSV_CONTENT: Final[dict[str, Any]] = {
    "text/csv": {"schema": {"type": "string"}, "example": 'student_code,status\r\n"S001","Present"\r\n'}
}


def csv_answer(filename: str, header: Sequence[str], rows: Iterable[Sequence[str | None]]) -> Response:
    """A file to save, under this name of plain letters."""
    return Response(
        csv_text(header, rows),
        media_type="text/csv; charset=utf-8; header=present",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )
