"""What this process counts. With PROMETHEUS_MULTIPROC_DIR set, as BentoML does, the numbers lie in its files.

docs/operations.md lists all metrics. No label has what a caller sent.
"""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from rollcall.core.errors import RollcallError
from rollcall.core.imports import RowOutcome
from rollcall.core.observing import (
    ComparisonOutcome,
    FeedbackOutcome,
    RecognitionKind,
    RecognitionOutcome,
    Step,
)
from rollcall.telemetry.count_files import allocate_beforehand

allocate_beforehand()

# When a series began is of use to OpenMetrics only, and would double the number of families.
disable_created_metrics()  # type: ignore[no-untyped-call]

# One set a process: a second one would write to the same places of the same files.
REGISTRY: Final = CollectorRegistry()

# Fine around SPEC's limits: 0.3 s for recognising, 0.5 s for detecting.
REQUEST_SECONDS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 10.0, 30.0),
)
STEP_SECONDS: Final = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5),
    *(1.0, 2.5, 5.0, 10.0),
)
BATCH_SIZES: Final = (1, 2, 3, 4)
SIMILARITIES: Final = tuple(step / 20 for step in range(21))

REQUESTS: Final = Counter(
    "rollcall_requests",
    "Requests answered, by route template, method and status.",
    ["route", "method", "status"],
    registry=REGISTRY,
)
REQUEST_DURATION: Final = Histogram(
    "rollcall_request_duration_seconds",
    "From a request's first byte to the last byte of its answer, by route template.",
    ["route"],
    buckets=REQUEST_SECONDS,
    registry=REGISTRY,
)
STEP_DURATION: Final = Histogram(
    "rollcall_step_duration_seconds",
    "Steps of the work, background work included: decode once a picture; align once a picture, which may be "
    "decoded anew for it; detect and embed once a batch; search once a picture and round of models; database "
    "once a transaction. Search and database include waiting for a thread, a connection or a lock.",
    ["step"],
    buckets=STEP_SECONDS,
    registry=REGISTRY,
)
BATCH_SIZE: Final = Histogram(
    "rollcall_batch_size",
    "Pictures that the runner took at once.",
    buckets=BATCH_SIZES,
    registry=REGISTRY,
)
# A runner that was killed leaves its file behind; `processes.forget_the_dead` takes it away.
RUNNER_QUEUE: Final = Gauge(
    "rollcall_runner_queue_depth",
    "Pictures in the runner that no batch has taken yet.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
OUTCOMES: Final = Counter(
    "rollcall_recognition_outcomes",
    "Faces looked for, and pictures without one, as in FaceRecognitionLogs.",
    ["kind", "outcome"],
    registry=REGISTRY,
)
RECOGNITIONS: Final = Counter(
    "rollcall_recognitions",
    "Faces looked for, by the model that answered and the model that knew the face.",
    ["model", "matched_by"],
    registry=REGISTRY,
)
NOBODY: Final = "none"  # in place of the model that knew the face
SIMILARITY: Final = Histogram(
    "rollcall_similarity",
    "Similarity of the likest person to each face looked for by the server's own threshold, by the model "
    "that compared them.",
    ["model", "outcome"],
    buckets=SIMILARITIES,
    registry=REGISTRY,
)
ERRORS: Final = Counter(
    "rollcall_errors", "Requests answered with an error, by its error_code.", ["code"], registry=REGISTRY
)
COMPARISONS: Final = Counter(
    "rollcall_shadow_comparisons", "Pictures for the shadow model.", ["outcome"], registry=REGISTRY
)
FEEDBACK: Final = Counter(
    "rollcall_feedback",
    "Recognitions that somebody said were right or wrong.",
    ["model", "outcome"],
    registry=REGISTRY,
)
IMPORT_ROWS: Final = Counter(
    "rollcall_import_rows", "Rows of bulk imports, dry runs included.", ["outcome"], registry=REGISTRY
)


def error_codes(base: type[RollcallError] = RollcallError) -> frozenset[str]:
    """Every error_code that an answer can have."""
    return frozenset({base.code}).union(*(error_codes(kind) for kind in base.__subclasses__()))


# Those whose labels are known beforehand begin at 0, so that a rate sees the first one too.
STEPS: Final = {step: STEP_DURATION.labels(step.value) for step in Step}
OUTCOME: Final = {
    (kind, outcome): OUTCOMES.labels(kind.value, outcome.value)
    for kind in RecognitionKind
    for outcome in RecognitionOutcome
}
COMPARED: Final = {outcome: COMPARISONS.labels(outcome.value) for outcome in ComparisonOutcome}
IMPORTED: Final = {outcome: IMPORT_ROWS.labels(outcome.value) for outcome in RowOutcome}
ERROR: Final = {code: ERRORS.labels(code) for code in error_codes()}


def begin(loaded: Iterable[str], active: str | None) -> None:
    """Let what is told of these models begin at 0 too: feedback on each, recognitions by the active one."""
    for model in loaded:
        for outcome in FeedbackOutcome:
            FEEDBACK.labels(model, outcome.value)
    if active is not None:
        for matched_by in (active, NOBODY):
            RECOGNITIONS.labels(active, matched_by)
