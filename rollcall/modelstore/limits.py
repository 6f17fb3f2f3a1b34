"""How long a download may take, how large it may become, and how often it is tried."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`read_seconds` limits a server's silence, `total_seconds` everything, waiting for others included.

    `retry_pauses_seconds` lie between the tries of one address; a try that got further than all before it
    starts the row anew. `retry_after_seconds` is the longest wait that a server may ask for.
    """

    connect_seconds: float = 10
    read_seconds: float = 30
    total_seconds: float = 3600
    retry_pauses_seconds: tuple[float, ...] = (1, 4, 15)
    retry_after_seconds: float = 120
    max_archive_bytes: int = 600 * 10**6
    max_unpacked_bytes: int = 600 * 10**6


DEFAULT_LIMITS = Limits()
