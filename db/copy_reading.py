"""Reads whole tables as plain rows, a window at a time."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Numeric,
    Select,
    String,
    cast,
    column,
    exists,
    func,
    inspect,
    null,
    select,
    table,
)

from db import tables
from db.storage_engines import without_transactions
from rollcall.core.backup import ALL_COLUMNS, MOMENTARY_SETTINGS, PICTURED, Batch, Cell, Columns, Row, Section

TABLES: Final = {
    Section.STUDENTS: tables.student,
    Section.TEACHERS: tables.teacher,
    Section.FACES: tables.face_data,
    Section.EMBEDDINGS: tables.embeddings,
    Section.CALIBRATIONS: tables.calibrations,
    Section.SETTINGS: tables.settings,
    Section.ATTENDANCE: tables.attendance_records,
    Section.LOGS: tables.face_recognition_logs,
}
# The same with nothing known of the columns but their names.
PLAIN: Final = {
    section: table(TABLES[section].name, *map(column, names)) for section, names in ALL_COLUMNS.items()
}
# PyMySQL cannot read the dates without a day that MySQL allows, and a decimal is none elsewhere.
_AS_TEXT: Final = (DateTime, Numeric)
# Rows in one window, so that it takes a few megabytes: a FaceDescriptor has 10 kB.
WINDOW: Final = 2000
FACES_WINDOW: Final = 500
# Of pictures, which may have 10 MB each.
_PICTURES_BYTES: Final = 4 * 2**20


class SqlReadableTables:
    """Implements core.backup_ports.ReadableTables on one connection, whose owner made it hold still."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._absent: dict[Section, frozenset[str]] = {}
        if connection.dialect.name == "sqlite":
            # SQLite keeps whatever bytes it is given as text.
            driver: Any = connection.connection.driver_connection
            driver.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")

    def count(self, section: Section) -> int:
        """How many rows `read` gives."""
        query = select(func.count()).select_from(PLAIN[section]).where(*_conditions(section))
        return self._connection.execute(query).scalar_one()

    def read(self, section: Section, columns: Columns) -> Iterator[Batch]:
        """All rows, in the order of their keys, in pieces of a few megabytes.

        Embeddings whose face is gone, and MOMENTARY_SETTINGS, are left out. A column that the table lacks is
        NULL.
        """
        # The values as the driver gives them, without SQLAlchemy's conversions, which odd rows would break.
        query = select(*(self._raw(section, name) for name in columns)).where(*_conditions(section))
        key = PLAIN[section].c[columns[0]]
        if self._has_pictures(section, columns):
            for first, last in self._spans(section, columns[-1]):
                rows = _rows(self._connection, query.where(key.between(first, last)).order_by(key))
                yield Batch(section=section, columns=columns, rows=rows)
            return
        # No server-side cursor: when the backup is broken off, the driver would read on to the end.
        size = FACES_WINDOW if section is Section.FACES else WINDOW
        for rows in windows(self._connection, query, key, size):
            yield Batch(section=section, columns=columns, rows=rows)

    def without_transactions(self, sections: Iterable[Section]) -> Sequence[str]:
        """Names of those tables whose storage engine knows no transactions."""
        return without_transactions(self._connection, (TABLES[section].name for section in sections))

    def absent(self, section: Section) -> frozenset[str]:
        """Columns that the table lacks. db.columns says which a school's table may lack."""
        if section not in self._absent:
            # MySQL and SQLite both compare names of columns without regard to case.
            columns = inspect(self._connection).get_columns(TABLES[section].name)
            found = {each["name"].lower() for each in columns}
            lacking = (name for name in ALL_COLUMNS[section] if name.lower() not in found)
            self._absent[section] = frozenset(lacking)
        return self._absent[section]

    def _has_pictures(self, section: Section, columns: Columns) -> bool:
        name = ALL_COLUMNS[section][-1]
        return section in PICTURED and columns[-1] == name and name not in self.absent(section)

    def _spans(self, section: Section, name: str) -> Iterator[tuple[Cell, Cell]]:
        """First and last Ids of rows that follow each other and whose pictures have a few megabytes."""
        source = PLAIN[section]
        query = select(source.c.Id, func.coalesce(func.length(source.c[name]), 0))
        for rows in windows(self._connection, query, source.c.Id, FACES_WINDOW):
            first, size_bytes = 0, 0
            for place, row in enumerate(rows):
                length = row[1] if isinstance(row[1], int) else 0
                if place > first and size_bytes + length > _PICTURES_BYTES:
                    yield rows[first][0], rows[place - 1][0]
                    first, size_bytes = place, 0
                size_bytes += length
            yield rows[first][0], rows[-1][0]

    def _raw(self, section: Section, name: str) -> ColumnElement[Any]:
        if name in self.absent(section):
            return null().label(name)
        found = PLAIN[section].c[name]
        if self._connection.dialect.name == "mysql" and type(TABLES[section].c[name].type) in _AS_TEXT:
            return cast(found, String)
        return found


def windows(
    connection: Connection, query: Select[Any], key: ColumnElement[Any], size: int
) -> Iterator[list[Row]]:
    """A query's rows in the order of `key`, its first column, at most `size` at a time."""
    window = query.order_by(key).limit(size)
    rows = _rows(connection, window)
    while rows:
        yield rows
        rows = _rows(connection, window.where(key > rows[-1][0]))


def _rows(connection: Connection, query: Select[Any]) -> list[Row]:
    return [tuple(_cell(value) for value in row) for row in connection.execute(query)]


def _conditions(section: Section) -> list[ColumnElement[bool]]:
    if section is Section.EMBEDDINGS:
        return [exists().where(tables.face_data.c.Id == PLAIN[section].c.FaceId)]
    if section is Section.SETTINGS:
        return [PLAIN[section].c.Name.not_in(MOMENTARY_SETTINGS)]
    return []


def _cell(value: Any) -> Cell:
    if value is None or isinstance(value, str | bytes | float):
        return value
    return int(value) if isinstance(value, int) else str(value)
