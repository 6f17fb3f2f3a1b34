"""What belongs to a request wherever it is worked on: its id, and its place in a trace."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

NO_REQUEST = "-"

request_id: ContextVar[str] = ContextVar("request_id", default=NO_REQUEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a picture in the runner comes from: the request's id, W3C's `traceparent` where it has one."""

    request_id: str
    traceparent: str | None


class RequestSpan(Protocol):
    """A request in a trace."""

    def answered(self, method: str, route: str, status: int | None) -> None:
        """What is known at the end; `route` is a template, `status` None where nothing was answered."""
        ...


class Tracing(Protocol):
    """Spans about what goes on within a block. What is raised in it passes, and no span holds its text."""

    def request(self, traceparent: str | None) -> AbstractContextManager[RequestSpan]:
        """A request, as part of the caller's trace where he names one."""
        ...

    def hop(self) -> AbstractContextManager[str | None]:
        """A call to the runner; the `traceparent` to send with it."""
        ...

    def batch(self, traceparents: Sequence[str]) -> AbstractContextManager[object]:
        """A batch in the runner, linked to the calls of all its pictures, in the trace of the first."""
        ...


class _NoSpan:
    def answered(self, method: str, route: str, status: int | None) -> None:
        """Nobody is told."""


class Untraced:
    """Tracing where nobody asked for it."""

    def request(self, traceparent: str | None) -> AbstractContextManager[RequestSpan]:  # noqa: ARG002
        return nullcontext(_NO_SPAN)

    def hop(self) -> AbstractContextManager[str | None]:
        return nullcontext(None)

    def batch(self, traceparents: Sequence[str]) -> AbstractContextManager[object]:  # noqa: ARG002
        return nullcontext(None)


_NO_SPAN = _NoSpan()
