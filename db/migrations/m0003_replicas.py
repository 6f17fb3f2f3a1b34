"""What replicas need to agree: stamps of changes, what is known of each face, and settings they share."""

from sqlalchemy import Connection, inspect

from db.migrations.ddl import create_table

_KNOWN_FACES = """FaceId INT NOT NULL PRIMARY KEY, RowCheck BIGINT NOT NULL, DescriptorCheck BIGINT"""

_SETTINGS = """Name VARCHAR(64) {exact} PRIMARY KEY, Value VARCHAR(255) NOT NULL,
    ChangedDate DATETIME DEFAULT CURRENT_TIMESTAMP"""


def apply(connection: Connection) -> None:
    columns = {column["name"] for column in inspect(connection).get_columns("RollcallChanges")}
    if "Stamp" not in columns:
        connection.exec_driver_sql("ALTER TABLE RollcallChanges ADD COLUMN Stamp BIGINT")
    create_table(connection, "RollcallKnownFaces", _KNOWN_FACES)
    create_table(connection, "RollcallSettings", _SETTINGS)
