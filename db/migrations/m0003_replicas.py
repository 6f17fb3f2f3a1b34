"""What replicas need to agree: stamps of changes, what is known of each face, and settings they share."""

from collections.abc import Iterator

from sqlalchemy import Connection

from db.migrations.ddl import add_column, create_table

_KNOWN_FACES = """FaceId INT NOT NULL PRIMARY KEY, RowCheck BIGINT NOT NULL, DescriptorCheck BIGINT"""

_SETTINGS = """Name VARCHAR(64) {exact} PRIMARY KEY, Value VARCHAR(255) NOT NULL,
    ChangedDate DATETIME DEFAULT CURRENT_TIMESTAMP"""


def statements(connection: Connection) -> Iterator[str]:
    yield from add_column(connection, "RollcallChanges", "Stamp", "BIGINT")
    yield from create_table(connection, "RollcallKnownFaces", _KNOWN_FACES)
    yield from create_table(connection, "RollcallSettings", _SETTINGS)
