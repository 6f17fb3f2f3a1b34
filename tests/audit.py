"""What the audit of a database says, and whether it is whole."""

import json
from typing import Any

from db.engine import SqlDatabase
from rollcall.core.audit import AuditEntry, AuditFilter
from rollcall.workflows.verify_audit import AuditReport, VerifyAudit
from tests.backups import no_progress


def entries(database: SqlDatabase) -> list[AuditEntry]:
    """All of them, in their order."""
    return list(database.run_sync(lambda records: records.audit.newest(AuditFilter())))


def actions(database: SqlDatabase) -> list[str]:
    return [entry.action for entry in entries(database)]


def details(entry: AuditEntry) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(entry.details)
    return found


def verify(database: SqlDatabase, since_hash: str | None = None) -> AuditReport:
    return VerifyAudit(database=database, progress=no_progress).run(since_hash)
