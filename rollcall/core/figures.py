"""How a server stands, for whoever watches it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from rollcall.core.models import LoadedModel


class HealthStatus(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFigures:
    """Connections of a pool that are in use, of so many at most."""

    in_use: int
    limit: int


class ConnectionPool(Protocol):
    """A database's connections."""

    @property
    def use(self) -> PoolFigures:
        """As it is now; never waits."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Requests that are being worked on, and those that wait for their turn."""

    working: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How a server stands at a moment.

    `faces` and `downloads` (bytes that have come) are by model. `switch` is the model that this server
    prepares, with how many of how many faces it has gone through. `pools` are by name. `embedding`: whether
    missing embeddings are being made; `importing`: whether a bulk import is under way.
    """

    status: HealthStatus
    database_up: bool
    enrolled_faces: int
    active_model: str | None
    loaded_models: tuple[LoadedModel, ...]
    faces: Mapping[str, int]
    downloads: Mapping[str, int]
    switch: tuple[str, int, int] | None
    embedding: bool
    importing: bool
    pools: Mapping[str, PoolFigures]


class Exposition(Protocol):
    """What a server counts as a text that Prometheus reads."""

    def text(self, figures: Figures, turns: Turns) -> bytes:
        """All metrics of all processes of this server. Reads files and processes, for some milliseconds."""
        ...
