"""Counts and times what it is told, and opens a span for each step."""

import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final

from opentelemetry.trace import Span, get_tracer
from prometheus_client import Counter, Histogram

from rollcall.core.imports import RowOutcome
from rollcall.core.observing import (
    ComparisonOutcome,
    FeedbackOutcome,
    RecognitionKind,
    RecognitionOutcome,
    Step,
)
from rollcall.telemetry import metrics

# Until part of the process sets up OpenTelemetry's SDK, its spans do nothing.
_TRACER: Final = get_tracer("rollcall")


class PrometheusObserver:
    """Implements core.observing.Observer and RequestObserver."""

    def __init__(self) -> None:
        # prometheus_client looks labels up under a lock; there are few of them, so they are kept.
        self._answered: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def step(self, step: Step) -> AbstractContextManager[None]:
        return _Timed(step)

    def batch(self, size: int) -> None:
        metrics.BATCH_SIZE.observe(size)

    def runner_queue(self, pictures: int) -> None:
        metrics.RUNNER_QUEUE.set(pictures)

    def recognized(self, kind: RecognitionKind, outcome: RecognitionOutcome) -> None:
        metrics.OUTCOME[kind, outcome].inc()

    def known_by(self, model: str, matched_by: str | None) -> None:
        metrics.RECOGNITIONS.labels(model, matched_by or metrics.NOBODY).inc()

    def similarity(self, model: str, similarity: float, *, matched: bool) -> None:
        metrics.SIMILARITY.labels(model, "match" if matched else "no_match").observe(similarity)

    def compared(self, outcome: ComparisonOutcome) -> None:
        metrics.COMPARED[outcome].inc()

    def feedback(self, model: str, outcome: FeedbackOutcome) -> None:
        metrics.FEEDBACK.labels(model, outcome.value).inc()

    def imported(self, outcome: RowOutcome) -> None:
        metrics.IMPORTED[outcome].inc()

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        found = self._answered.get((route, method, status))
        if found is None:
            count = metrics.REQUESTS.labels(route, method, str(status))
            found = self._answered[route, method, status] = count, metrics.REQUEST_DURATION.labels(route)
        count, duration = found
        count.inc()
        duration.observe(seconds)

    def refused(self, code: str) -> None:
        (metrics.ERROR.get(code) or metrics.ERRORS.labels(code)).inc()


class _Timed:
    """A step under way. A class, because a generator's context manager costs twice as much."""

    __slots__ = ("_began", "_span", "_step")

    def __init__(self, step: Step) -> None:
        self._step = step

    def __enter__(self) -> None:
        # Without the error's text, which may quote a value.
        self._span: AbstractContextManager[Span] = _TRACER.start_as_current_span(
            self._step.value, record_exception=False, set_status_on_exception=False
        )
        self._span.__enter__()
        self._began = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        metrics.STEPS[self._step].observe(time.perf_counter() - self._began)
        self._span.__exit__(kind, error, trace)


OBSERVER: Final = PrometheusObserver()
