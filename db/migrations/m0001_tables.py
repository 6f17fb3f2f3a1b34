"""The users' tables where they are missing, and our own beside them."""

import logging

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from db.migrations.ddl import create_table

log = logging.getLogger(__name__)

_PERSON = """Id {{id}}, {0}Code CHAR(10), {0}Nickname VARCHAR(100), {0}Name VARCHAR(200), {0}Image LONGBLOB,
    EmailAddress VARCHAR(100), Campus VARCHAR(50), {1} VARCHAR(100),
    CreatedDate DATETIME DEFAULT CURRENT_TIMESTAMP"""

_FACE_DATA = """Id {id}, PersonType VARCHAR(20), PersonCode CHAR(10) NOT NULL, ImageData LONGBLOB,
    FaceDescriptor LONGTEXT, OriginalName VARCHAR(255), ContentType VARCHAR(100),
    CreatedDate DATETIME DEFAULT CURRENT_TIMESTAMP"""

_ATTENDANCE = """Id {id}, SessionId INT NOT NULL, StudentCode CHAR(10) NOT NULL, Status VARCHAR(20),
    AttendanceDate DATETIME, CreatedDate DATETIME DEFAULT CURRENT_TIMESTAMP"""

_LOGS = """Id {id}, PersonCode CHAR(10), PersonType VARCHAR(20), Confidence DECIMAL(5,4),
    ProcessingTimeMs INT, SourceImageName VARCHAR(255),
    RecognitionDate DATETIME DEFAULT CURRENT_TIMESTAMP, Success {truth}"""

_EMBEDDINGS = """Id {id}, FaceId INT NOT NULL, Model VARCHAR(64) {exact} NOT NULL, Vector LONGBLOB,
    Problem VARCHAR(50), CreatedDate DATETIME DEFAULT CURRENT_TIMESTAMP, UNIQUE (FaceId, Model)"""


def apply(connection: Connection) -> None:
    create_table(
        connection, "RollcallState", "Name VARCHAR(64) {exact} PRIMARY KEY, Value VARCHAR(255) NOT NULL"
    )
    create_table(connection, "RollcallEmbeddings", _EMBEDDINGS)
    create_table(connection, "RollcallChanges", "Id {id}, FaceId INT NOT NULL")
    _remember(connection, "lock", "")
    create_table(connection, "Student", _PERSON.format("Student", "Form"))
    create_table(connection, "Teacher", _PERSON.format("Teacher", "Department"))
    create_table(connection, "FaceData", _FACE_DATA)
    create_table(connection, "FaceRecognitionLogs", _LOGS)
    _create_sessions(connection)
    _create_attendance(connection)


def _remember(connection: Connection, name: str, value: str) -> None:
    if connection.execute(text("SELECT 1 FROM RollcallState WHERE Name = :n"), {"n": name}).first() is None:
        connection.execute(text("INSERT INTO RollcallState VALUES (:n, :v)"), {"n": name, "v": value})


def _create_sessions(connection: Connection) -> None:
    if inspect(connection).has_table("Sessions"):
        return
    # Remembered first: if we are interrupted after the CREATE TABLE, the next run must know whose it is.
    _remember(connection, "sessions_table", "ours")
    create_table(connection, "Sessions", "Id {id}")


def _create_attendance(connection: Connection) -> None:
    try:
        create_table(
            connection,
            "AttendanceRecords",
            f"{_ATTENDANCE}, FOREIGN KEY (SessionId) REFERENCES Sessions (Id)",
        )
    except DBAPIError:
        # A users' Sessions table of another engine, or with another type of Id, cannot be referred to.
        log.warning("AttendanceRecords gets no foreign key: the existing Sessions table does not allow one")
        create_table(connection, "AttendanceRecords", _ATTENDANCE)
