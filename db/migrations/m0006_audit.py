"""The audit table. On SQLite triggers keep it as it is; docs/operations.md says what MySQL needs."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, text

from db.migrations.ddl import create_table

# No text is CHAR, from which MySQL cuts trailing blanks, and all are compared and sorted byte by byte.
_AUDIT: Final = """Id INT NOT NULL PRIMARY KEY, Moment VARCHAR(24) {exact} NOT NULL,
    Actor VARCHAR(100) {exact} NOT NULL, Address VARCHAR(64) {exact} NOT NULL,
    RequestId VARCHAR(64) {exact} NOT NULL, Action VARCHAR(40) {exact} NOT NULL,
    PersonType VARCHAR(20) {exact}, PersonCode VARCHAR(10) {exact}, Salt VARCHAR(32) {exact},
    PersonDigest VARCHAR(64) {exact}, Details LONGTEXT {exact} NOT NULL,
    PreviousHash VARCHAR(64) {exact} NOT NULL, Hash VARCHAR(64) {exact} NOT NULL"""

_REFUSED: Final = "SELECT RAISE(ABORT, 'RollcallAudit is append-only')"
_CHAINED: Final = (
    "Id, Moment, Actor, Address, RequestId, Action, PersonType, PersonDigest, Details, PreviousHash, Hash"
)
# By name. A person's code and salt may be blanked and nothing else; REPLACE would delete without a trigger.
_TRIGGERS: Final = {
    "RollcallAuditKept": f"BEFORE DELETE ON RollcallAudit BEGIN {_REFUSED}; END",
    "RollcallAuditUnchanged": f"BEFORE UPDATE OF {_CHAINED} ON RollcallAudit BEGIN {_REFUSED}; END",
    "RollcallAuditOnlyBlanked": "BEFORE UPDATE OF PersonCode, Salt ON RollcallAudit "
    f"WHEN NEW.PersonCode IS NOT NULL OR NEW.Salt IS NOT NULL BEGIN {_REFUSED}; END",
    "RollcallAuditNotReplaced": "BEFORE INSERT ON RollcallAudit "
    f"WHEN EXISTS (SELECT 1 FROM RollcallAudit WHERE Id = NEW.Id) BEGIN {_REFUSED}; END",
}


def statements(connection: Connection) -> Iterator[str]:
    yield from create_table(connection, "RollcallAudit", _AUDIT)
    if connection.dialect.name == "sqlite":
        yield from _triggers(connection)


def _triggers(connection: Connection) -> Iterator[str]:
    there = set(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars())
    for name, rule in _TRIGGERS.items():
        if name not in there:
            yield f"CREATE TRIGGER IF NOT EXISTS {name} {rule}"
