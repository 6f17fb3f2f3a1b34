"""What was answered to each recognition, and whether that was right."""

from collections.abc import Iterator

from sqlalchemy import Connection

from db.migrations.ddl import create_table

# The key is also the index by which feedback finds a picture's faces.
_RECOGNITIONS = """Id {id}, RecognitionId CHAR(32) {exact} NOT NULL, Face INT,
    Model VARCHAR(64) {exact} NOT NULL, MatchedBy VARCHAR(64) {exact}, PersonType VARCHAR(20),
    PersonCode CHAR(10), Similarity DOUBLE, Correct {truth}, ActualCode CHAR(10),
    CreatedDate DATETIME DEFAULT CURRENT_TIMESTAMP, UNIQUE (RecognitionId, Face)"""


def statements(connection: Connection) -> Iterator[str]:
    yield from create_table(connection, "RollcallRecognitions", _RECOGNITIONS)
