"""One way to run a network, whatever runs it.

Each session has two modes. In a stream, a run takes its share of the cores, and up to four streams run side
by side: with a queue that is faster than all cores on one picture after the other. A lone run takes all
cores: nobody else is waiting.
"""

import logging
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from rollcall.core.errors import ModelNotLoaded
from runners.graph import Shape

try:
    import openvino
except ImportError:  # there is no wheel for this machine
    openvino = None

Blob: TypeAlias = NDArray[np.float32]  # (n, 3, height, width), RGB, as the network wants it scaled
Outputs: TypeAlias = list[NDArray[np.float32]]
Backend: TypeAlias = Literal["auto", "onnxruntime", "openvino", "cuda"]
Source: TypeAlias = Path | bytes  # an ONNX file, or its content
Precision: TypeAlias = Literal["f32", "bf16"]

# With more cores, streams of several threads: two callers on a large host are no queue.
MAX_STREAMS = 4

_log = logging.getLogger(__name__)

# ONNX Runtime warns once per run when a detector exported for 640x640 is run at another size; errors are
# raised anyway.
_LOG_ERRORS_ONLY = 3


def streams_of(threads: int) -> int:
    """How many batches are read side by side on so many cores."""
    return min(threads, MAX_STREAMS)


class Session(Protocol):
    """A loaded network with one input. Safe to run from several threads."""

    @property
    def backend(self) -> str:
        """What runs it: `onnxruntime`, `openvino` or `cuda`."""
        ...

    @property
    def input_shape(self) -> Shape:
        """(n, 3, height, width); None where the graph takes any size."""
        ...

    def prepare_lone_runs(self) -> None:
        """Make ready for lone runs, which takes the memory of a second copy; until then they are streams."""
        ...

    def run(self, blob: Blob, *, alone: bool = False) -> Outputs:
        """All outputs, in the graph's order."""
        ...


class OnnxRuntimeSession:
    """ONNX Runtime, on the CPU or through CUDA."""

    def __init__(self, source: Source, *, threads: int, cuda: bool = False) -> None:
        if cuda and not cuda_is_installed():
            raise ModelNotLoaded("CUDA is asked for, but onnxruntime-gpu is not installed.")
        self._source = source
        self._threads = threads
        self._providers = ["CUDAExecutionProvider"] if cuda else ["CPUExecutionProvider"]
        self._stream = self._open(max(1, threads // streams_of(threads)))
        self._lone = self._stream
        self._input = self._stream.get_inputs()[0]

    @property
    def backend(self) -> str:
        return "cuda" if self._providers == ["CUDAExecutionProvider"] else "onnxruntime"

    @property
    def input_shape(self) -> Shape:
        return tuple(size if isinstance(size, int) and size > 0 else None for size in self._input.shape)

    def prepare_lone_runs(self) -> None:
        if self._threads > 1 and self.backend == "onnxruntime":
            self._lone = self._open(self._threads)

    def run(self, blob: Blob, *, alone: bool = False) -> Outputs:
        session = self._lone if alone else self._stream
        outputs: Outputs = session.run(None, {self._input.name: blob})
        return outputs

    def _open(self, threads: int) -> Any:
        options = onnxruntime.SessionOptions()
        # Unset, ONNX Runtime starts a thread per core of the host, and crawls in a small container.
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Idle threads would spin in wait for the next operator, on the cores that the other network, the
        # other service and the event loop need: with two busy cores a picture took 105 ms with spinning and
        # 65 without.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = _LOG_ERRORS_ONLY
        name = _name(self._source)
        model = self._source if isinstance(self._source, bytes) else str(self._source)
        try:
            session = onnxruntime.InferenceSession(model, sess_options=options, providers=self._providers)
        except Exception as error:
            # ONNX Runtime has a dozen exception types without a common base, and names the full path in each.
            _log.warning("ONNX Runtime cannot load %s: %s", name, type(error).__name__)
            raise ModelNotLoaded(f"{name} cannot be loaded; the file may be damaged.") from error
        # ONNX Runtime falls back to the CPU by itself, with no more than a line on standard error.
        if session.get_providers()[0] != self._providers[0]:
            raise ModelNotLoaded("CUDA is asked for, but ONNX Runtime cannot use it on this machine.")
        session.disable_fallback()
        return session


class OpenVinoSession:
    """OpenVINO on the CPU."""

    backend = "openvino"

    def __init__(self, source: Source, *, threads: int, precision: Precision) -> None:
        self._threads = threads
        self._precision = precision
        self._core = openvino.Core()
        try:
            model = source if isinstance(source, bytes) else str(source)
            self._model: Any = self._core.read_model(model)
            self._stream = self._compile(streams=streams_of(threads))
        except RuntimeError as error:
            name = _name(source)
            _log.warning("OpenVINO cannot load %s: %s", name, type(error).__name__)
            raise ModelNotLoaded(f"{name} cannot be loaded; the file may be damaged.") from error
        self._lone = self._stream
        self._outputs = len(self._model.outputs)
        shape = self._model.inputs[0].get_partial_shape()
        self._input_shape = tuple(side.get_length() if side.is_static else None for side in shape)

    @property
    def input_shape(self) -> Shape:
        return self._input_shape

    def prepare_lone_runs(self) -> None:
        if self._threads > 1:
            self._lone = self._compile(streams=1)
        # What was compiled has its own copy of the weights.
        self._model = None

    def run(self, blob: Blob, *, alone: bool = False) -> Outputs:
        requests = self._lone if alone else self._stream
        request = requests.get()
        try:
            results = request.infer([blob])
            # Copies: the request's own memory is written again by its next run.
            return [np.array(results[i]) for i in range(self._outputs)]
        finally:
            requests.put(request)

    def _compile(self, *, streams: int) -> "SimpleQueue[Any]":
        """One request for each stream; a run takes one and gives it back."""
        compiled = self._core.compile_model(
            self._model,
            "CPU",
            {
                "INFERENCE_NUM_THREADS": self._threads,
                "NUM_STREAMS": streams,
                "INFERENCE_PRECISION_HINT": self._precision,
            },
        )
        requests: SimpleQueue[Any] = SimpleQueue()
        for _ in range(streams):
            requests.put(compiled.create_infer_request())
        return requests


def openvino_precisions() -> tuple[Precision, ...]:
    """What OpenVINO can compute in on this machine, the fastest first; nothing where it is not installed."""
    if openvino is None:
        return ()
    capabilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return ("bf16", "f32") if "BF16" in capabilities else ("f32",)


def cuda_is_installed() -> bool:
    """Whether this ONNX Runtime was built for CUDA (the package onnxruntime-gpu)."""
    return "CUDAExecutionProvider" in onnxruntime.get_available_providers()


def _name(source: Source) -> str:
    return source.name if isinstance(source, Path) else "The network"
