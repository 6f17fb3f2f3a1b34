"""A private Redis server for tests."""

import shutil
import socket
from typing import Final

from tests.private_server import PrivateServer
from tests.servers import wait_for

START_LIMIT: Final = 60.0


def is_installed() -> bool:
    return shutil.which("redis-server") is not None


class RedisServer(PrivateServer):
    """Empty at each start."""

    def __init__(self) -> None:
        super().__init__("redis")
        self.url = f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        command += ["--save", "", "--appendonly", "no"]
        self._run(command)
        wait_for(self._answers, "an answer of Redis", START_LIMIT)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(5)
            if probe.connect_ex(("127.0.0.1", self.port)):
                return False
            probe.sendall(b"PING\r\n")
            return probe.recv(16).startswith(b"+PONG")
