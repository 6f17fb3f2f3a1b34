"""Switches of models, and which server has what loaded."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from db import tables
from db.expressions import unix_now
from db.locking import lock, start_writing
from rollcall.core.models import (
    LOST_LISTED,
    Fingerprint,
    Rehearsal,
    Server,
    Switch,
    SwitchKind,
    SwitchState,
    SwitchStep,
)

_SWITCHES: Final = tables.switches
_SERVERS: Final = tables.servers
_FINGERPRINTS: Final = tables.fingerprints
_RUNNING: Final = _SWITCHES.c.State == SwitchState.RUNNING.value


class SqlSwitches:
    """All SQL about switches. The caller owns the transaction. What writes takes the writers' lock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, kind: SwitchKind, source: str | None, target: str, *, forced: bool = False) -> int:
        """Begin a switch that no server works on yet; returns its Id."""
        lock(self._connection)
        values = {
            "Kind": kind.value,
            "Source": source,
            "Target": target,
            "State": SwitchState.RUNNING.value,
            "Step": SwitchStep.WAITING.value,
            "Done": 0,
            "Total": 0,
            "Forced": int(forced),
            "Seen": 0,
            "Begun": unix_now(),
        }
        key = self._connection.execute(insert(_SWITCHES).values(**values)).inserted_primary_key
        assert key is not None  # one row was inserted
        return int(key[0])

    def running(self) -> Switch | None:
        """The switch that has not ended; there is one at most."""
        return self._first(select(_SWITCHES).where(_RUNNING))

    def of(self, id: int) -> Switch | None:
        return self._first(select(_SWITCHES).where(_SWITCHES.c.Id == id))

    def latest(self) -> Switch | None:
        """The one that was begun last."""
        return self._first(select(_SWITCHES))

    def claim(self, owner: str, *, stale_seconds: int) -> Switch | None:
        """Take the running switch for this process, where no other was seen at work on it lately."""
        lock(self._connection)
        free = _SWITCHES.c.Owner.is_(None) | (_SWITCHES.c.Seen < unix_now() - stale_seconds)
        claimed = update(_SWITCHES).where(_RUNNING, free | (_SWITCHES.c.Owner == owner))
        found = self._connection.execute(claimed.values(Owner=owner, Seen=unix_now()))
        return self.running() if found.rowcount else None

    def advance(self, id: int, owner: str, step: SwitchStep, done: int, total: int) -> bool:
        """Note how far it came, and that its owner lives; False if it is not the owner's, or has ended."""
        lock(self._connection)
        mine = update(_SWITCHES).where(_SWITCHES.c.Id == id, _SWITCHES.c.Owner == owner, _RUNNING)
        values = {"Step": step.value, "Done": done, "Total": total, "Seen": unix_now()}
        return self._connection.execute(mine.values(**values)).rowcount > 0

    def end(
        self, id: int, state: SwitchState, *, problem: str | None = None, rehearsal: Rehearsal | None = None
    ) -> bool:
        """End it; False if it had ended already."""
        lock(self._connection)
        values = {
            "State": state.value,
            "Step": None,
            "Problem": problem[:1000] if problem else None,
            "Report": json.dumps(asdict(rehearsal)) if rehearsal else None,
            "Ended": unix_now(),
        }
        ended = update(_SWITCHES).where(_SWITCHES.c.Id == id, _RUNNING).values(**values)
        return self._connection.execute(ended).rowcount > 0

    def _first(self, query: Any) -> Switch | None:
        row = self._connection.execute(query.order_by(_SWITCHES.c.Id.desc()).limit(1)).first()
        return None if row is None else _switch(row)


def _switch(row: Row[Any]) -> Switch:
    return Switch(
        id=row.Id,
        kind=SwitchKind(row.Kind),
        source=row.Source,
        target=row.Target,
        state=SwitchState(row.State),
        step=SwitchStep(row.Step) if row.Step else None,
        done=row.Done,
        total=row.Total,
        forced=bool(row.Forced),
        problem=row.Problem,
        rehearsal=_rehearsal(row.Report) if row.Report else None,
        begun=row.Begun,
        ended=row.Ended,
    )


def _rehearsal(report: str) -> Rehearsal:
    stored = json.loads(report)
    # Older versions kept the Ids of all, and no count.
    stored.setdefault("lost_count", len(stored["lost"]))
    stored["lost"] = stored["lost"][:LOST_LISTED]
    return Rehearsal(**stored)


class SqlServers:
    """All SQL about the servers that are up. The caller owns the transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def seen(self, name: str, wanted: str, models: Sequence[str]) -> None:
        """Note that a server is up, which model it wants, and what it has loaded."""
        start_writing(self._connection)
        self._connection.execute(delete(_SERVERS).where(_SERVERS.c.Name == name))
        row = {"Name": name, "Wanted": wanted, "Models": ",".join(models), "Seen": unix_now()}
        self._connection.execute(insert(_SERVERS).values(**row))

    def gone(self, name: str, *, stale_seconds: int) -> None:
        """Forget a server that stops, and those that were not seen for long."""
        start_writing(self._connection)
        stale = _SERVERS.c.Seen < unix_now() - stale_seconds
        self._connection.execute(delete(_SERVERS).where((_SERVERS.c.Name == name) | stale))

    def up(self, *, within_seconds: int) -> Sequence[Server]:
        """Those that were seen lately, in the order of their names."""
        query = select(_SERVERS).where(_SERVERS.c.Seen >= unix_now() - within_seconds)
        return [
            Server(name=row.Name, wanted=row.Wanted, models=tuple(filter(None, row.Models.split(","))))
            for row in self._connection.execute(query.order_by(_SERVERS.c.Name))
        ]


class SqlFingerprints:
    """All SQL about which recogniser made a model's embeddings. The caller owns the transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, model: str) -> Fingerprint | None:
        """None where the model has not been used here, or by older versions only."""
        row = self._connection.execute(select(_FINGERPRINTS).where(_FINGERPRINTS.c.Model == model)).first()
        return None if row is None else Fingerprint(recogniser=row.Recogniser, dimension=row.Dimension)

    def put(self, model: str, found: Fingerprint) -> None:
        """Note it in place of the former one."""
        lock(self._connection)
        self._connection.execute(delete(_FINGERPRINTS).where(_FINGERPRINTS.c.Model == model))
        row = {"Model": model, "Recogniser": found.recogniser, "Dimension": found.dimension}
        self._connection.execute(insert(_FINGERPRINTS).values(**row))
