"""A server of another program for tests: its own folder and port, gone afterwards."""

import shutil
import subprocess
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers import free_port


class PrivateServer(ABC):
    """Runs while its `with` block does."""

    def __init__(self, name: str) -> None:
        # Not pytest's tmp_path: the path of a socket has at most 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix=f"rollcall-{name}-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _begin(self) -> None:
        """What comes at the beginning of the block."""
        self.start()

    @abstractmethod
    def start(self) -> None:
        """Start, and wait until it answers."""

    def stop(self) -> None:
        """Stop as a crash would, which is quickest."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Run it in the background; what it says comes into `server.log` of the folder."""
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        return self._process
