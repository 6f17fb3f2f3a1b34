"""Tables that people open in a spreadsheet."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

# What begins a formula, also in the wide letters that some spreadsheets take for the plain ones. It may stand
# behind a separator too: a spreadsheet that expects semicolons cuts our cells there.
_FORMULA: Final = re.compile(r"(^|[,;\t\r\n])([\s\"']*[=+\-@＝＋－＠])")  # noqa: RUF001
BOM: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"  # without it Excel takes UTF-8 for something else


def harmless_cell(text: str) -> str:
    """The text with an apostrophe before whatever a spreadsheet would carry out as a formula."""
    return _FORMULA.sub(r"\1'\2", text)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[str | None]]) -> str:
    """A CSV file, with every cell made harmless; None is an empty one."""
    file = io.StringIO()
    file.write(BOM)
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows([harmless_cell(cell or "") for cell in row] for row in rows)
    return file.getvalue()
