"""The users' tables where they are missing, and our own beside them."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Inspector, inspect
from sqlalchemy.dialects.mysql import INTEGER

from db.migrations.ddl import create_table, remember

_PERSON = """Id {{id}}, {0}Code CHAR(10), {0}Nickname VARCHAR(100), {0}Name VARCHAR(200), {0}Image LONGBLOB,
    EmailAddress VARCHAR(100), Campus VARCHAR(50), {1} VARCHAR(100),
    CreatedDate DATETIME DEFAULT CURRENT_TIMESTAMP"""

_FACE_DATA = """Id {id}, PersonType VARCHAR(20), PersonCode CHAR(10) NOT NULL, ImageData LONGBLOB,
    FaceDescriptor LONGTEXT, OriginalName VARCHAR(255), ContentType VARCHAR(100),
    CreatedDate DATETIME DEFAULT CURRENT_TIMESTAMP"""

_ATTENDANCE = """Id {id}, SessionId INT NOT NULL, StudentCode CHAR(10) NOT NULL, Status VARCHAR(20),
    AttendanceDate DATETIME, CreatedDate DATETIME DEFAULT CURRENT_TIMESTAMP"""

_FOREIGN_KEY = ", FOREIGN KEY (SessionId) REFERENCES Sessions (Id)"

_LOGS = """Id {id}, PersonCode CHAR(10), PersonType VARCHAR(20), Confidence DECIMAL(5,4),
    ProcessingTimeMs INT, SourceImageName VARCHAR(255),
    RecognitionDate DATETIME DEFAULT CURRENT_TIMESTAMP, Success {truth}"""

_EMBEDDINGS = """Id {id}, FaceId INT NOT NULL, Model VARCHAR(64) {exact} NOT NULL, Vector LONGBLOB,
    Problem VARCHAR(50), CreatedDate DATETIME DEFAULT CURRENT_TIMESTAMP, UNIQUE (FaceId, Model)"""


def statements(connection: Connection) -> Iterator[str]:
    yield from create_table(
        connection, "RollcallState", "Name VARCHAR(64) {exact} PRIMARY KEY, Value VARCHAR(255) NOT NULL"
    )
    yield from create_table(connection, "RollcallEmbeddings", _EMBEDDINGS)
    yield from create_table(connection, "RollcallChanges", "Id {id}, FaceId INT NOT NULL")
    yield from remember(connection, "lock", "")
    yield from create_table(connection, "Student", _PERSON.format("Student", "Form"))
    yield from create_table(connection, "Teacher", _PERSON.format("Teacher", "Department"))
    yield from create_table(connection, "FaceData", _FACE_DATA)
    yield from create_table(connection, "FaceRecognitionLogs", _LOGS)
    yield from _create_sessions(connection)
    key = _FOREIGN_KEY if _sessions_can_be_referred_to(connection) else ""
    yield from create_table(connection, "AttendanceRecords", _ATTENDANCE + key)


def _create_sessions(connection: Connection) -> Iterator[str]:
    if inspect(connection).has_table("Sessions"):
        return
    # Remembered first: if we are interrupted after the CREATE TABLE, the next run must know whose it is.
    yield from remember(connection, "sessions_table", "ours")
    yield from create_table(connection, "Sessions", "Id {id}")


def _sessions_can_be_referred_to(connection: Connection) -> bool:
    """Whether AttendanceRecords may have its foreign key: the users' own Sessions may not allow one."""
    inspector = inspect(connection)
    if not inspector.has_table("Sessions"):
        return True  # it will be ours
    if not _id_is_a_key(inspector):
        return False
    if connection.dialect.name == "sqlite":
        return True
    types = {column["name"].lower(): column["type"] for column in inspector.get_columns("Sessions")}
    options = inspector.get_table_options("Sessions")
    return (
        isinstance(types["id"], INTEGER)
        and not types["id"].unsigned
        and options.get("mysql_engine") == "InnoDB"
        and not any("partition" in name.lower() for name in options)
    )


def _id_is_a_key(inspector: Inspector) -> bool:
    """Whether Sessions has a unique key of its Id alone, as MySQL 8.4 and SQLite demand."""
    keys: list[Sequence[str | None]] = [inspector.get_pk_constraint("Sessions")["constrained_columns"]]
    keys += [index["column_names"] for index in inspector.get_indexes("Sessions") if index["unique"]]
    return any([(name or "").lower() for name in key] == ["id"] for key in keys)
