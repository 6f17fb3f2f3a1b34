"""The servers under measurement, each started anew with 1,000 enrolled faces."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx
import psutil

from bench.apart import apart
from bench.packs import BenchPack
from tests.servers import ROOT, STOP_LIMIT_SECONDS, RollcallServer, free_port, wait_for

ENROLLED = 1000


class Server(Protocol):
    """A server that answers on this machine, and its processes."""

    @property
    def port(self) -> int: ...
    @property
    def path(self) -> str:
        """Where pictures are recognised."""
        ...

    @property
    def note(self) -> str:
        """What is to be known about how it ran."""
        ...

    def processes(self) -> list[psutil.Process]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollcall:
    """Rollcall as `bentoml serve` starts it: SQLite, no rate limit, all else as by default."""

    server: RollcallServer
    note: str
    path: str = "/api/face/recognize"

    @property
    def port(self) -> int:
        return self.server.port

    def processes(self) -> list[psutil.Process]:
        return self.server.processes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """bench/baseline.py."""

    process: psutil.Popen
    port: int
    note: str
    path: str = "/recognize"

    def processes(self) -> list[psutil.Process]:
        return [psutil.Process(self.process.pid), *self.process.children(recursive=True)]


@contextmanager
def rollcall(pack: BenchPack, enrolled: int = ENROLLED, **further: str) -> Iterator[Server]:
    """Start Rollcall on a new SQLite database; it is ready when the block begins. `further`: settings."""
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder}/rollcall.db"
        apart(int, "bench.school:enrol", url, pack.name, pack.dimensions, enrolled)
        settings = {"MODEL_DIR": str(pack.model_dir), "INSIGHTFACE_MODEL": pack.name, "LOG_LEVEL": "WARNING"}
        with RollcallServer(folder, **{**settings, **further}) as server:
            wait_for(lambda: server.health().get("enrolled_faces") == enrolled, "a full gallery")
            health = server.health()
            if (health["status"], health["model"]) != ("healthy", pack.name):
                raise RuntimeError(f"Rollcall is not healthy: {health['message']}")
            yield Rollcall(server=server, note=f"backend {health['backend']}")


@contextmanager
def baseline(pack: BenchPack, detector_size: str) -> Iterator[Server]:
    """Start the baseline; it is ready when the block begins."""
    port = free_port()
    module = [sys.executable, "-W", "ignore::FutureWarning", "-m", "bench.baseline"]
    process = psutil.Popen(
        [*module, str(pack.folder), str(port), str(pack.dimensions), detector_size], cwd=ROOT
    )
    try:
        wait_for(lambda: _answers(process, port), "the baseline's start")
        sizes = "its own two sizes" if detector_size == "default" else "640x640"
        yield Baseline(process=process, port=port, note=f"detection at {sizes}")
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_LIMIT_SECONDS)
        except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
            process.kill()
            process.wait()


def _answers(process: psutil.Popen, port: int) -> bool:
    if process.poll() is not None:
        raise RuntimeError("The baseline did not start.")
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health").is_success
    except httpx.TransportError:
        return False
