"""Calibrations made by `rollcall evaluate --store`."""

from collections.abc import Iterator

from sqlalchemy import Connection

from db.migrations.ddl import create_table

_CALIBRATIONS = """Model VARCHAR(64) {exact} PRIMARY KEY, Midpoint DOUBLE NOT NULL, Slope DOUBLE NOT NULL,
    OperatingPoint DOUBLE NOT NULL, SamePairs INT NOT NULL, DifferentPairs INT NOT NULL,
    CreatedDate DATETIME DEFAULT CURRENT_TIMESTAMP"""


def statements(connection: Connection) -> Iterator[str]:
    yield from create_table(connection, "RollcallCalibrations", _CALIBRATIONS)
