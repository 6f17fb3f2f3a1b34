"""One way to run a network, whatever runs it."""

import logging
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from rollcall.core.errors import ModelNotLoaded
from runners.onnx_file import Shape

Blob: TypeAlias = NDArray[np.float32]  # (n, 3, height, width), RGB, as the network wants it scaled
Backend: TypeAlias = Literal["auto", "onnxruntime", "openvino"]

_log = logging.getLogger(__name__)

# ONNX Runtime warns once per run when a detector exported for 640x640 is run at another size; errors are
# raised anyway.
_LOG_ERRORS_ONLY = 3


class Session(Protocol):
    """A loaded network with one input. Safe to run from several threads."""

    @property
    def backend(self) -> str: ...

    @property
    def input_shape(self) -> Shape:
        """(n, 3, height, width); None where the graph takes any size."""
        ...

    def run(self, blob: Blob) -> list[NDArray[np.float32]]:
        """All outputs, in the graph's order."""
        ...


class OnnxRuntimeSession:
    """ONNX Runtime on the CPU."""

    backend = "onnxruntime"

    def __init__(self, path: Path, *, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        # Unset, ONNX Runtime starts a thread per core of the host, and crawls in a small container.
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Idle threads would spin in wait for the next operator, on the cores that the other network, the
        # other service and the event loop need: with two busy cores a picture took 105 ms with spinning and
        # 65 without.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = _LOG_ERRORS_ONLY
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            # ONNX Runtime has a dozen exception types without a common base, and names the full path in each.
            _log.warning("ONNX Runtime cannot load %s: %s", path.name, type(error).__name__)
            raise ModelNotLoaded(f"{path.name} cannot be loaded; the file may be damaged.") from error
        self._input = self._session.get_inputs()[0]

    @property
    def input_shape(self) -> Shape:
        return tuple(size if isinstance(size, int) and size > 0 else None for size in self._input.shape)

    def run(self, blob: Blob) -> list[NDArray[np.float32]]:
        outputs: list[NDArray[np.float32]] = self._session.run(None, {self._input.name: blob})
        return outputs


def open_session(path: Path, *, threads: int, backend: Backend) -> Session:
    """Load a network.

    Raises:
        ModelNotLoaded: the file cannot be loaded, or the backend is not there.
    """
    if backend == "openvino":
        raise ModelNotLoaded("INFERENCE_BACKEND=openvino is not available in this version; use auto.")
    return OnnxRuntimeSession(path, threads=threads)
