"""Which backend runs a network best here? A short trial at load, of speed and of faithfulness."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TypeAlias

import numpy as np

from rollcall.core.errors import ModelNotLoaded
from runners.backends import (
    Backend,
    Blob,
    OnnxRuntimeSession,
    OpenVinoSession,
    Outputs,
    Session,
    Source,
    cuda_is_installed,
    openvino_precisions,
)

_log = logging.getLogger(__name__)

# Deviation of a backend's outputs from ONNX Runtime's in 32 bits; what is above the limit is not used.
Deviation: TypeAlias = Callable[[Outputs, Outputs], float]
TRIALS = 3
# All at once would take a quarter of a gigabyte, which the process then keeps.
ROWS_A_RUN = 4

MAX_COSINE_LOSS = 0.001
MAX_SCORE_DIFFERENCE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A network to be tried: what it is called in the log, its file, an input, and how far it may deviate.

    Faithfulness is tried on all of `blob`, a few rows at a time; speed on its first row.
    """

    name: str
    source: Source
    blob: Blob
    deviation: Deviation
    max_deviation: float


def cosine_loss(reference: Outputs, outputs: Outputs) -> float:
    """1 - the least cosine of two sets of embeddings (n, dim)."""
    a, b = reference[0], outputs[0]
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(1 - ((a * b).sum(axis=1) / lengths).min())


def score_difference(reference: Outputs, outputs: Outputs) -> float:
    """The largest difference of any score of a detector, whose first third of outputs are scores."""
    scores = len(reference) // 3
    pairs = zip(reference[:scores], outputs[:scores], strict=True)
    # Not Python's max, which passes over what is not a number.
    return float(np.max([np.abs(a - b).max() for a, b in pairs]))


def choose(trial: Trial, *, threads: int, backend: Backend) -> Session:
    """The fastest session that is faithful enough, ready for lone runs.

    Raises:
        ModelNotLoaded: none can be had; or the one asked for is not there, or not faithful.
    """
    reference = OnnxRuntimeSession(trial.source, threads=threads)
    expected = _run(reference, trial.blob)
    best: tuple[float, Session] | None = None
    for label, open_session in _candidates(trial.source, reference, threads, backend):
        tried = try_backend(trial, label, open_session, expected, may_fail=backend == "auto")
        if tried is not None and (best is None or tried[0] < best[0]):
            best = tried
        if label.endswith("bf16") and tried is not None:
            break  # what is faithful in 16 bits need not be tried in 32
    if best is None:
        raise ModelNotLoaded(f"No backend runs {trial.name} faithfully.")
    _log.info("%s runs on %s", trial.name, best[1].backend)
    best[1].prepare_lone_runs()
    return best[1]


_Candidate: TypeAlias = tuple[str, Callable[[], Session]]


def _candidates(source: Source, reference: Session, threads: int, backend: Backend) -> Iterator[_Candidate]:
    precisions = openvino_precisions()
    if backend == "openvino" and not precisions:
        raise ModelNotLoaded("INFERENCE_BACKEND=openvino, but OpenVINO is not installed.")
    if backend == "cuda" or (backend == "auto" and cuda_is_installed()):
        yield "cuda", lambda: OnnxRuntimeSession(source, threads=threads, cuda=True)
    if backend in ("auto", "onnxruntime"):
        yield "onnxruntime f32", lambda: reference
    if backend in ("auto", "openvino"):
        for precision in precisions:
            opener = partial(OpenVinoSession, source, threads=threads, precision=precision)
            yield f"openvino {precision}", opener


def try_backend(
    trial: Trial, label: str, open_session: Callable[[], Session], expected: Outputs, *, may_fail: bool
) -> tuple[float, Session] | None:
    """Milliseconds of a run in a stream, and the session; None if it deviates too far."""
    try:
        session = open_session()
        deviation = trial.deviation(expected, _run(session, trial.blob))
    except Exception as error:
        # Each backend has exceptions of its own kinds, and a broken one must not take the others with it.
        if not may_fail:
            raise error if isinstance(error, ModelNotLoaded) else _cannot_run(trial, label) from error
        _log.warning("%s: %s cannot be used: %s", trial.name, label, type(error).__name__)
        return None
    spent_ms = median(_timed(session, trial.blob[:1]) for _ in range(TRIALS))
    _log.info("%s: %s takes %.1f ms, deviates by %.5f", trial.name, label, spent_ms, deviation)
    # Not "greater than": a network that answers not-a-number deviates too.
    return (spent_ms, session) if deviation <= trial.max_deviation else None


def _cannot_run(trial: Trial, label: str) -> ModelNotLoaded:
    return ModelNotLoaded(f"{trial.name} cannot be run on {label}.")


def _run(session: Session, blob: Blob) -> Outputs:
    """Of a single run's outputs, or of several whose first dimension is their rows."""
    runs = [session.run(blob[i : i + ROWS_A_RUN]) for i in range(0, len(blob), ROWS_A_RUN)]
    return runs[0] if len(runs) == 1 else [np.concatenate(parts) for parts in zip(*runs, strict=True)]


def _timed(session: Session, blob: Blob) -> float:
    started = time.perf_counter()
    session.run(blob)
    return (time.perf_counter() - started) * 1000


def opens_exactly(single: Source, opened: Source, blobs: Sequence[Blob]) -> bool:
    """Whether a graph whose batch was opened gives for several pictures at once what it gave for each."""
    try:
        apart = OnnxRuntimeSession(single, threads=1)
        together = OnnxRuntimeSession(opened, threads=1)
        expected = [np.concatenate(rows) for rows in zip(*(apart.run(blob) for blob in blobs), strict=True)]
        return cosine_loss(expected, together.run(np.concatenate(blobs))) <= 0.0001
    except Exception as error:
        # Whatever ONNX Runtime says of a graph that does not take it: one picture a run is right then.
        _log.info("The network takes one picture a run: %s", type(error).__name__)
        return False
