"""What was recognised of late. Nothing here writes, or waits for who does."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    Table,
    and_,
    case,
    cast,
    func,
    select,
    type_coerce,
)

from db import tables
from db.dates import date_of
from rollcall.core.errors import DatabaseError
from rollcall.core.statistics import BINS, Attempts, Outcomes, RecentAttempts

# No index serves the dates, and the tables may have millions of rows: the newest Ids are looked at first.
WINDOW: Final = 10_000  # rows at once
MAX_ROWS: Final = 200_000  # of each table

_LOGS: Final = tables.face_recognition_logs
_FACES: Final = tables.recognitions


class SqlRecentRecognitions:
    """All SQL about what was recognised of late. The caller owns the transaction."""

    def __init__(self, connection: Connection, window: int = WINDOW, max_rows: int = MAX_ROWS) -> None:
        self._connection = connection
        self._window = window
        self._max_rows = max_rows

    def now(self) -> datetime:
        """By the database's clock.

        Raises:
            DatabaseError: the database does not tell the time.
        """
        told = self._connection.execute(select(type_coerce(func.current_timestamp(), String))).scalar()
        if (now := date_of(told)) is None:
            raise DatabaseError("The database does not tell the time.")
        return now

    def since(self, moment: datetime) -> RecentAttempts:
        """Both since a moment, of at most `max_rows` rows each: the newest.

        A window without any such row is the last one looked at: some older rows may be dated later.
        """
        # As text, which is how SQLite keeps dates; MySQL makes a date of it.
        text = moment.isoformat(sep=" ", timespec="seconds")
        logged, log_is_complete = self._recent(_LOGS, _attempts(text))
        faces, faces_are_complete = self._recent(_FACES, self._similarities(text))
        return RecentAttempts(
            attempts=[
                Attempts(
                    hour=hour, recognised=bool(row.recognised), milliseconds=row.milliseconds, count=row.times
                )
                for row in logged
                if (hour := date_of(f"{row.hour}:00")) is not None
            ],
            similarity=_in_bins(faces),
            complete=log_is_complete and faces_are_complete,
        )

    def _recent(self, table: Table, grouped: Select[Any]) -> tuple[Sequence[Any], bool]:
        """The rows of a grouping query, of one window after another, and whether these were all."""
        rows: list[Any] = []
        first = 0
        for first, last in self._windows(table.c.Id):
            found = self._connection.execute(grouped.where(table.c.Id.between(first, last))).all()
            if not found:
                return rows, True
            rows += found
        return rows, first == 0

    def _windows(self, ids: Column[int]) -> Iterator[tuple[int, int]]:
        """The first and the last Id of every window, the newest first; the oldest of all begins with 0."""
        newest = select(ids).order_by(ids.desc())
        last = self._connection.execute(newest.limit(1)).scalar()
        for _ in range(self._max_rows // self._window):
            if last is None:
                return
            before = self._connection.execute(
                newest.where(ids <= last).limit(1).offset(self._window)
            ).scalar()
            yield (before + 1 if before is not None else 0), last
            last = before

    def _similarities(self, since: str) -> Select[Any]:
        """Faces that were compared with somebody, by the number of their bin and whether one was named."""
        number: ColumnElement[Any] = _FACES.c.Similarity * BINS
        # MySQL's CAST rounds, and not every SQLite has FLOOR; below 0 both end in the first bin.
        number = cast(number, Integer) if self._connection.dialect.name == "sqlite" else func.floor(number)
        named = _is(_FACES.c.PersonCode.is_not(None))
        query = select(number.label("bin"), named.label("recognised"), func.count().label("times"))
        # Who was missed, as feedback said, has no number, and a picture without a face has 0.
        compared = and_(_FACES.c.Face > 0, _FACES.c.Similarity.is_not(None))
        return query.where(compared, _is_since(_FACES.c.CreatedDate, since)).group_by(number, named)


def _attempts(since: str) -> Select[Any]:
    """Rows of the log by hour, success and duration."""
    hour = func.substr(type_coerce(_LOGS.c.RecognitionDate, String), 1, 13)
    recognised, milliseconds = _is(_LOGS.c.Success != 0), _LOGS.c.ProcessingTimeMs
    query = select(
        hour.label("hour"),
        recognised.label("recognised"),
        milliseconds.label("milliseconds"),
        func.count().label("times"),
    )
    return query.where(_is_since(_LOGS.c.RecognitionDate, since)).group_by(hour, recognised, milliseconds)


def _is(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """1 or 0, also where the condition is NULL."""
    return case((condition, 1), else_=0)


def _is_since(date: Column[datetime], moment: str) -> ColumnElement[bool]:
    return type_coerce(date, String) >= moment


def _in_bins(rows: Iterable[Any]) -> dict[int, Outcomes]:
    counts: dict[tuple[int, bool], int] = {}
    for row in rows:
        key = (min(max(int(row.bin), 0), BINS - 1), bool(row.recognised))
        counts[key] = counts.get(key, 0) + row.times
    return {
        number: Outcomes(
            recognised=counts.get((number, True), 0), not_recognised=counts.get((number, False), 0)
        )
        for number in {number for number, _ in counts}
    }
