"""What the work tells its observer."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from rollcall.core.observing import UNOBSERVED, FeedbackOutcome, Step
from rollcall.telemetry.metrics import REGISTRY
from rollcall.telemetry.observer import OBSERVER
from tests.servers import ROOT, clean_environment

# In a process of its own: OpenTelemetry's SDK can be set up but once in a process.
TRACED = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from rollcall.core.observing import Step
from rollcall.telemetry.observer import OBSERVER
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
try:
    with OBSERVER.step(Step.DATABASE), OBSERVER.step(Step.SEARCH):
        raise LookupError("secret")
except LookupError:
    pass
search, database = exporter.get_finished_spans()
assert (search.name, database.name) == ("search", "database")
assert search.parent.span_id == database.context.span_id
assert "secret" not in search.to_json() + database.to_json()
"""


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_step_that_fails_is_timed_too() -> None:
    before = value("rollcall_step_duration_seconds_count", step="embed")

    def fails() -> None:
        with OBSERVER.step(Step.EMBED):
            raise LookupError

    with pytest.raises(LookupError):
        fails()
    assert value("rollcall_step_duration_seconds_count", step="embed") == before + 1


def test_steps_are_spans_that_do_not_quote_errors() -> None:
    environment = clean_environment({"OTEL_SDK_DISABLED": "false"})
    subprocess.run([sys.executable, "-c", TRACED], cwd=ROOT, env=environment, check=True, timeout=120)


def test_feedback_is_counted_by_what_it_says() -> None:
    labels = {"model": "pack", "outcome": "false_match"}
    before = value("rollcall_feedback_total", **labels)
    OBSERVER.feedback("pack", FeedbackOutcome.FALSE_MATCH)
    assert value("rollcall_feedback_total", **labels) == before + 1


@pytest.mark.parametrize("told", [UNOBSERVED.batch, UNOBSERVED.runner_queue])
def test_nobody_minds_where_nobody_watches(told: Callable[[int], None]) -> None:
    before = value("rollcall_batch_size_count")
    told(3)
    with UNOBSERVED.step(Step.DECODE):
        pass
    assert value("rollcall_batch_size_count") == before
