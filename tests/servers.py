"""A real server, as `bentoml serve` starts it, for tests."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import httpx
import psutil

from rollcall.core.settings import Settings

ROOT: Final = Path(__file__).resolve().parent.parent
START_LIMIT_SECONDS: Final = 240.0  # a busy machine may be slow
STOP_LIMIT_SECONDS: Final = 60.0
ANSWER_LIMIT_SECONDS: Final = 120.0


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def wait_for(condition: Callable[[], bool], what: str, limit: float = START_LIMIT_SECONDS) -> None:
    """Wait until the condition holds; fails by saying what did not happen."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {limit:.0f} s"
        time.sleep(0.1)


def clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without our settings and what make adds for its children, then these."""
    ours = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", *(name.upper() for name in Settings.model_fields)}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "BENTOML_DO_NOT_TRACK": "True", **settings}


class RollcallServer:
    """`with RollcallServer(folder, MODEL_DIR=...) as server:` — settings are environment variables."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        certificate = settings.get("TLS_CERT_FILE")
        # A certificate is made out to a name.
        self.url = f"https://localhost:{self.port}" if certificate else f"http://127.0.0.1:{self.port}"
        self._settings = {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "BENTOML_HOME": str(folder / "bentoml"),
            "DATABASE_URL": f"sqlite:///{folder}/rollcall.db",
            "RATE_LIMIT_PER_MINUTE": "0",
            "AUTO_DOWNLOAD_MODELS": "false",
            **settings,
        }
        self.model_settings = {
            name: value for name, value in settings.items() if name in ("MODEL_DIR", "INSIGHTFACE_MODEL")
        }
        self._process: subprocess.Popen[bytes] | None = None
        trust = ssl.create_default_context(cafile=certificate)
        self.client = httpx.Client(base_url=self.url, timeout=ANSWER_LIMIT_SECONDS, verify=trust)

    def __enter__(self) -> "RollcallServer":
        self.start()
        try:
            wait_for(lambda: self.health().get("model_loaded", False), "a loaded model")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self.stop()

    def start(self) -> None:
        command = [sys.executable, "-m", "bentoml", "serve", "service:FaceAPI"]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=clean_environment(self._settings),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self) -> None:
        if self._process is None:
            return
        family = self.processes()
        self._process.send_signal(signal.SIGTERM)
        _, left = psutil.wait_procs(family, timeout=STOP_LIMIT_SECONDS)
        for process in left:
            process.kill()
        self._process.wait()
        self._process = None

    def terminate(self) -> None:
        """Send SIGTERM to the first of its processes, as `docker stop` does, and do not wait."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def exit_status(self, limit: float = STOP_LIMIT_SECONDS) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired when it goes on."""
        assert self._process is not None
        status = self._process.wait(limit)
        self._process = None
        return status

    def kill(self) -> None:
        """End all its processes as a power cut would."""
        assert self._process is not None
        for process in self.processes():
            process.kill()
        self._process.wait()
        self._process = None

    def worker(self, service: str) -> psutil.Process:
        """The process of one of the services, `FaceAPI` or `FaceRunner`."""
        return next(
            process for process in self.processes()[1:] if f"--service-name {service}" in _command(process)
        )

    def processes(self) -> list[psutil.Process]:
        """BentoML's supervisor, the API and the runner."""
        assert self._process is not None
        supervisor = psutil.Process(self._process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def health(self) -> dict[str, Any]:
        """What /api/health says; nothing while the server does not answer."""
        assert self._process is None or self._process.poll() is None, self.log()[-3000:]
        try:
            found: dict[str, Any] = self.client.get("/api/health").json()
        except httpx.TransportError:
            return {}
        return found

    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def runner_socket(self) -> Path:
        """The Unix socket on which the runner listens, from the environment that BentoML gave its workers."""
        for process in self.processes():
            addresses = process.environ().get("BENTOML_RUNNER_MAP", "")
            if "FaceRunner" in addresses:
                return Path(addresses.split('"FaceRunner": "file://')[1].split('"')[0])
        raise AssertionError("no process knows the runner")


def _command(process: psutil.Process) -> str:
    return " ".join(process.cmdline())
