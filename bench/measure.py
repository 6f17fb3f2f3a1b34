"""One server under one load."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import httpx
import psutil

from bench.apart import apart
from bench.memory import Growth, PeakMemory
from bench.servers import Server
from bench.values import BigRun, LoadRun, ServerRun
from tests.servers import ROOT

_LIMIT_SECONDS = 300.0  # beyond the load's own length


class LoadFailed(Exception):
    """A server gave another answer than 200, or none."""


def under_load(
    server: Server,
    picture: bytes,
    *,
    callers: int,
    seconds: float,
    every: float = 0.0,
    warm_up: float | None = None,
) -> ServerRun:
    """Load the server, after a warm-up, by default of a third of the time; `every`: see bench.load.

    Raises:
        LoadFailed: not every answer was a 200.
    """
    warm_up = seconds / 3 if warm_up is None else warm_up
    command = [sys.executable, "-m", "bench.load", str(server.port), server.path, str(callers)]
    load = subprocess.Popen(
        [*command, str(seconds), str(warm_up), str(every)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert load.stdin is not None
    assert load.stdout is not None
    try:
        load.stdin.write(picture)
        load.stdin.close()
        load.stdout.readline()
        before, begun = _cpu_seconds(server.processes()), time.perf_counter()
        with PeakMemory(server.processes) as peak:
            answer = load.stdout.readline()
            cpu, elapsed = _cpu_seconds(server.processes()) - before, time.perf_counter() - begun
        if load.wait(_LIMIT_SECONDS):
            raise LoadFailed(f"{type(server).__name__} failed at {callers} callers; see above")
    finally:
        load.kill()
        load.wait()
    return _server_run(
        LoadRun(**json.loads(answer)), cpu=cpu, elapsed=elapsed, peak_mb=peak.mb, share=1 + warm_up / seconds
    )


def _server_run(load: LoadRun, *, cpu: float, elapsed: float, peak_mb: float, share: float) -> ServerRun:
    return ServerRun(
        callers=load.callers,
        requests=load.requests,
        per_second=load.per_second,
        p50_ms=load.p50_ms,
        p95_ms=load.p95_ms,
        p99_ms=load.p99_ms,
        peak_mb=peak_mb,
        # By the time between the two looks, which is a little longer than the load's own window.
        cpu_seconds=cpu / elapsed / load.per_second,
        load_cpu=load.load_cpu_seconds / (load.seconds * share),
    )


def _cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return sum(time.user + time.system for time in times)


def big_picture(server: Server, photo: Path, warm: bytes, *, times: int) -> BigRun:
    """Recognise a big photograph a few times, on a server that has only seen ordinary pictures yet."""
    megapixels = apart(float, "bench.picture:megapixels", photo)
    encoded = photo.read_bytes()
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=_LIMIT_SECONDS) as client:
        for _ in range(times):
            _ask(client, server.path, warm)
        growth = Growth(server.processes())
        answers = [_ask(client, server.path, encoded) for _ in range(times)]
    return BigRun(megapixels=megapixels, first_ms=answers[0], median_ms=median(answers), extra_mb=growth.mb())


def _ask(client: httpx.Client, path: str, picture: bytes) -> float:
    """Milliseconds to the answer."""
    begun = time.perf_counter()
    answer = client.post(path, files={"image": ("photo.jpg", picture, "image/jpeg")})
    elapsed = time.perf_counter() - begun
    if answer.status_code != 200:
        raise LoadFailed(f"a single picture was answered with {answer.status_code}: {answer.text[:300]}")
    return 1000 * elapsed
