"""The limit: the bare networks, run the way that is fastest here."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import TypeAlias

import cv2
import numpy as np
import onnxruntime
import openvino
from numpy.typing import NDArray

from bench.machine import cores
from bench.packs import BenchPack
from bench.timing import Timing
from bench.values import Rate, RawResult, Runtime, Together

Run: TypeAlias = Callable[[], object]
Shape: TypeAlias = tuple[int, int, int, int]  # n, 3, height, width

PADDED = "detector 640x640"
TRIMMED = (
    "detector 640x384"  # a 1480x832 picture at 640 wide has 360 rows; the network wants a multiple of 32
)
RECOGNISER = "recogniser"
BATCHES = (1, 4, 8)
TOGETHER = 8
OPENVINO, ONNX_RUNTIME = "OpenVINO bf16", "ONNX Runtime fp32"


def measure(pack: BenchPack, picture: bytes, timing: Timing) -> RawResult:
    """Every network at every size by every runtime, and detector and recogniser together."""
    rates: list[Rate] = []
    together: list[Together] = []
    for runtime in _runtimes():
        networks = _Networks(pack, runtime)
        for network, batch in ((PADDED, 1), (TRIMMED, 1), *((RECOGNISER, batch) for batch in BATCHES)):
            found = batch * _per_second(networks.streams(network, batch), timing)
            rates.append(Rate(network=network, batch=batch, runtime=runtime, per_second=found))
        for detector in (PADDED, TRIMMED):
            found = TOGETHER * _per_second(list(_pipelines(networks, detector)), timing)
            together.append(Together(detector=detector, runtime=runtime, per_second=found))
    return RawResult(
        rates=rates,
        together=together,
        decode_ms=_decode_ms(picture, cv2.IMREAD_COLOR, timing),
        decode_half_ms=_decode_ms(picture, cv2.IMREAD_REDUCED_COLOR_2, timing),
    )


def _runtimes() -> list[Runtime]:
    """Each library with one stream on all cores, as a lone request wants it, and with a stream per core."""
    layouts = dict.fromkeys((1, cores()))
    return [Runtime(name=n, streams=s, threads=cores()) for n in (OPENVINO, ONNX_RUNTIME) for s in layouts]


class _Networks:
    """The pack's two networks in one runtime, loaded as they are asked for."""

    def __init__(self, pack: BenchPack, runtime: Runtime) -> None:
        self._pack = pack
        self._runtime = runtime
        self._loaded: dict[tuple[str, int], list[Run]] = {}

    def streams(self, network: str, batch: int) -> list[Run]:
        """A call for each stream, which runs the network once."""
        if (network, batch) not in self._loaded:
            load = _openvino if self._runtime.name == OPENVINO else _onnx_runtime
            path = self._pack.recogniser if network == RECOGNISER else self._pack.detector
            self._loaded[network, batch] = load(path, _shape(network, batch), self._runtime)
        return self._loaded[network, batch]


def _shape(network: str, batch: int) -> Shape:
    sides = {PADDED: (640, 640), TRIMMED: (384, 640), RECOGNISER: (112, 112)}[network]
    return (batch, 3, *sides)


def _noise(shape: Shape) -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def _openvino(path: Path, shape: Shape, runtime: Runtime) -> list[Run]:
    core = openvino.Core()
    model = core.read_model(str(path))
    model.reshape(list(shape))
    compiled = core.compile_model(
        model,
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": "bf16",
            "PERFORMANCE_HINT": "LATENCY" if runtime.streams == 1 else "THROUGHPUT",
            "NUM_STREAMS": runtime.streams,
            "INFERENCE_NUM_THREADS": runtime.threads,
        },
    )
    blob = _noise(shape)

    def stream() -> Run:
        request = compiled.create_infer_request()
        return lambda: request.infer([blob], share_inputs=True, share_outputs=True)

    return [stream() for _ in range(runtime.streams)]


def _onnx_runtime(path: Path, shape: Shape, runtime: Runtime) -> list[Run]:
    options = onnxruntime.SessionOptions()
    # With one thread a run stays in the thread that calls it, so that streams can share a session.
    options.intra_op_num_threads = runtime.threads // runtime.streams
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: _noise(shape)}
    return [lambda: session.run(None, feed)] * runtime.streams


def _pipelines(networks: _Networks, detector: str) -> Iterator[Run]:
    """For each stream: eight pictures through the detector, then their eight faces in one run."""
    detections = networks.streams(detector, 1)
    embeddings = networks.streams(RECOGNISER, TOGETHER)
    for detect, embed in zip(detections, embeddings, strict=True):

        def pipeline(detect: Run = detect, embed: Run = embed) -> None:
            for _ in range(TOGETHER):
                detect()
            embed()

        yield pipeline


def _per_second(streams: Sequence[Run], timing: Timing) -> float:
    """Runs a second of all streams at once, each in a thread of its own."""
    for run in streams:
        run()
    return median(_rate(streams, timing.seconds) for _ in range(timing.repetitions))


def _rate(streams: Sequence[Run], seconds: float) -> float:
    rates: list[float] = []
    start = threading.Barrier(len(streams))

    def repeat(run: Run) -> None:
        start.wait()
        begun, count, elapsed = time.perf_counter(), 0, 0.0
        while elapsed < seconds:
            run()
            count += 1
            elapsed = time.perf_counter() - begun
        rates.append(count / elapsed)

    threads = [threading.Thread(target=repeat, args=(run,)) for run in streams]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(rates)


def _decode_ms(picture: bytes, flags: int, timing: Timing) -> float:
    encoded = np.frombuffer(picture, np.uint8)
    return 1000 / _per_second([lambda: cv2.imdecode(encoded, flags)], timing)
