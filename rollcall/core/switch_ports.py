"""What changing models asks of the database, as Protocols. Beside database_ports.py, which is long."""

from collections.abc import Sequence
from typing import Protocol

from rollcall.core.models import Fingerprint, Rehearsal, Server, Switch, SwitchKind, SwitchState, SwitchStep


class Switches(Protocol):
    """Switches of models. One at most is running."""

    def add(self, kind: SwitchKind, source: str | None, target: str, *, forced: bool = False) -> int:
        """Begin a switch that no server works on yet; returns its Id."""
        ...

    def running(self) -> Switch | None: ...

    def of(self, id: int) -> Switch | None: ...

    def latest(self) -> Switch | None:
        """The one that was begun last."""
        ...

    def claim(self, owner: str, *, stale_seconds: int) -> Switch | None:
        """Take the running switch for this process, where no other was seen at work on it lately."""
        ...

    def advance(self, id: int, owner: str, step: SwitchStep, done: int, total: int) -> bool:
        """Note how far it came, and that its owner lives; False if it is not the owner's, or has ended."""
        ...

    def end(
        self, id: int, state: SwitchState, *, problem: str | None = None, rehearsal: Rehearsal | None = None
    ) -> bool:
        """End it; False if it had ended already."""
        ...


class Servers(Protocol):
    """Which servers are up, and what they have loaded."""

    def seen(self, name: str, wanted: str, models: Sequence[str]) -> None:
        """Note that a server is up, which model it wants, and what it has loaded."""
        ...

    def gone(self, name: str, *, stale_seconds: int) -> None:
        """Forget a server that stops, and those that were not seen for long."""
        ...

    def up(self, *, within_seconds: int) -> Sequence[Server]:
        """Those that were seen lately."""
        ...


class Fingerprints(Protocol):
    """Which recogniser made a model's embeddings."""

    def of(self, model: str) -> Fingerprint | None:
        """None where the model has not been used here, or by older versions only."""
        ...

    def put(self, model: str, found: Fingerprint) -> None:
        """Note it in place of the former one."""
        ...
