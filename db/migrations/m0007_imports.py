"""Bulk import: from which photo a face came, and the jobs of servers with what became of each row."""

from collections.abc import Iterator

from sqlalchemy import Connection

from db.migrations.ddl import create_table

# The code is folded, so that the key finds a person however the code is spelt.
_IMPORTED = """FaceId INT NOT NULL PRIMARY KEY, PersonType VARCHAR(20) {exact} NOT NULL,
    FoldedCode VARCHAR(40) {exact} NOT NULL, PhotoHash CHAR(64) {exact} NOT NULL,
    CreatedDate DATETIME DEFAULT CURRENT_TIMESTAMP, UNIQUE (PersonType, FoldedCode, PhotoHash)"""

# Moments are seconds since 1970 by the database's clock.
_JOBS = """Id {id}, JobId CHAR(32) {exact} NOT NULL UNIQUE, Kind VARCHAR(20) NOT NULL,
    State VARCHAR(20) NOT NULL, PersonType VARCHAR(20) NOT NULL, Mode VARCHAR(20) NOT NULL,
    DryRun {truth} NOT NULL, Total INT NOT NULL, Enrolled INT NOT NULL, Skipped INT NOT NULL,
    Failed INT NOT NULL, Warnings INT NOT NULL, RowsPerSecond DOUBLE, Problem VARCHAR(1000),
    Actor VARCHAR(100) NOT NULL, Address VARCHAR(64) NOT NULL, RequestId VARCHAR(64) NOT NULL,
    Owner VARCHAR(64), Seen BIGINT NOT NULL, Created BIGINT NOT NULL, Begun BIGINT, Ended BIGINT"""

_ROWS = """Id {id}, JobId CHAR(32) {exact} NOT NULL, Number INT NOT NULL, Line INT, PersonType VARCHAR(20),
    PersonCode VARCHAR(100), PersonName VARCHAR(200), Photo VARCHAR(255), Outcome VARCHAR(20) NOT NULL,
    Code VARCHAR(50), Reason VARCHAR(1000), WhatToDo VARCHAR(1000), SameFaceAs VARCHAR(40),
    UNIQUE (JobId, Number)"""


def statements(connection: Connection) -> Iterator[str]:
    yield from create_table(connection, "RollcallImported", _IMPORTED)
    yield from create_table(connection, "RollcallJobs", _JOBS)
    yield from create_table(connection, "RollcallJobRows", _ROWS)
