"""What changing models needs: switches, which server has what loaded, and what the old server's rows held."""

from collections.abc import Iterator

from sqlalchemy import Connection

from db.migrations.ddl import create_table

# Moments are seconds since 1970 by the database's clock, which compare alike on every database.
_SWITCHES = """Id {id}, Kind VARCHAR(20) NOT NULL, Source VARCHAR(64) {exact},
    Target VARCHAR(64) {exact} NOT NULL, State VARCHAR(20) NOT NULL, Step VARCHAR(20), Done INT NOT NULL,
    Total INT NOT NULL, Forced {truth} NOT NULL,
    Problem VARCHAR(1000), Report LONGTEXT, Owner VARCHAR(64), Seen BIGINT NOT NULL, Begun BIGINT NOT NULL,
    Ended BIGINT"""

_SERVERS = """Name VARCHAR(64) {exact} PRIMARY KEY, Wanted VARCHAR(64) {exact} NOT NULL,
    Models VARCHAR(1000) NOT NULL, Seen BIGINT NOT NULL"""

_FINGERPRINTS = """Model VARCHAR(64) {exact} PRIMARY KEY, Recogniser CHAR(64) NOT NULL,
    Dimension INT NOT NULL, CreatedDate DATETIME DEFAULT CURRENT_TIMESTAMP"""

_OLD_DESCRIPTORS = """FaceId INT NOT NULL PRIMARY KEY, Descriptor LONGTEXT {exact} NOT NULL,
    Model VARCHAR(64) {exact} NOT NULL, MadeEmbedding {truth} NOT NULL, NewCheck BIGINT NOT NULL,
    CreatedDate DATETIME DEFAULT CURRENT_TIMESTAMP"""

_COMPARISONS = """Id {id}, Model VARCHAR(64) {exact} NOT NULL, PersonType VARCHAR(20), PersonCode CHAR(10),
    Similarity DOUBLE, Accepted {truth} NOT NULL, Milliseconds DOUBLE NOT NULL,
    Shadow VARCHAR(64) {exact} NOT NULL, ShadowPersonType VARCHAR(20), ShadowPersonCode CHAR(10),
    ShadowSimilarity DOUBLE, ShadowAccepted {truth} NOT NULL, ShadowMilliseconds DOUBLE NOT NULL,
    CreatedDate DATETIME DEFAULT CURRENT_TIMESTAMP"""


def statements(connection: Connection) -> Iterator[str]:
    yield from create_table(connection, "RollcallSwitches", _SWITCHES)
    yield from create_table(connection, "RollcallServers", _SERVERS)
    yield from create_table(connection, "RollcallModels", _FINGERPRINTS)
    yield from create_table(connection, "RollcallOldDescriptors", _OLD_DESCRIPTORS)
    yield from create_table(connection, "RollcallComparisons", _COMPARISONS)
