"""A private MariaDB server for tests, with a socket too."""

import os
import shutil
import signal as signals
import socket
import subprocess
import time
from itertools import count
from pathlib import Path
from typing import Any, Final

import pymysql

from tests.private_server import PrivateServer

START_LIMIT: Final = 120  # seconds; a busy machine may be slow
PASSWORD: Final = "s3cret-pass"

_SMALL = (
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=8M",
    "--performance-schema=OFF",
    "--skip-log-bin",
    "--max-connections=100",
)


def is_installed() -> bool:
    return bool(shutil.which("mariadbd") and shutil.which("mariadb-install-db"))


class MariaDBServer(PrivateServer):
    """`new_database()` gives the address of an empty database.

    A `durable` one keeps what it has committed whatever becomes of it, as MariaDB does by itself; the others
    are quicker. `data` is the folder of its tables, if they are to lie elsewhere. `options` are of mariadbd.
    """

    def __init__(self, *options: str, durable: bool = False, data: Path | None = None) -> None:
        super().__init__("mariadb")
        self._data = data or self.folder / "data"
        self._options = [*options, f"--innodb-flush-log-at-trx-commit={int(durable)}"]
        self._numbers = count(1)

    def _begin(self) -> None:
        self._install()
        self.start()
        self.execute(f"GRANT ALL ON *.* TO rollcall@'%' IDENTIFIED BY '{PASSWORD}'")

    def new_database(self, *, charset: str = "utf8mb4", collation: str = "utf8mb4_general_ci") -> str:
        """Create an empty database; returns its DATABASE_URL."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} CHARACTER SET {charset} COLLATE {collation}")
        return f"mysql+pymysql://rollcall:{PASSWORD}@127.0.0.1:{self.port}/{name}?charset=utf8mb4"

    def execute(self, *statements: str) -> None:
        """Run statements as root."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            connection.commit()
        finally:
            connection.close()

    def connect(self) -> "pymysql.Connection[Any]":
        """Connect as root."""
        return pymysql.connect(unix_socket=self._socket, user="root", connect_timeout=5, read_timeout=30)

    def new_account(self, database_url: str, rights: str) -> str:
        """Make an account that has these rights on the database and no others; returns its DATABASE_URL."""
        name, database = f"user_{next(self._numbers)}", database_name(database_url)
        self.execute(f"GRANT {rights} ON {database}.* TO {name}@'%' IDENTIFIED BY '{PASSWORD}'")
        return database_url.replace("rollcall:", f"{name}:", 1)

    def run_script(self, database_url: str, script: str) -> None:
        """Run a script in a database as an administrator does, by the command line's client."""
        subprocess.run(
            [
                "mariadb",
                "--no-defaults",
                f"--socket={self._socket}",
                "--user=root",
                database_name(database_url),
            ],
            input=script,
            text=True,
            encoding="utf-8",
            check=True,
            timeout=START_LIMIT,
        )

    def start(self) -> None:
        arguments = ["mariadbd", "--no-defaults", *self._place(), *_SMALL, f"--port={self.port}"]
        arguments += [
            *self._options,
            "--bind-address=127.0.0.1",
            f"--socket={self._socket}",
            f"--pid-file={self.folder}/pid",
        ]
        process = self._run(arguments)
        deadline = time.monotonic() + START_LIMIT
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "server.log").read_text()[-2000:])
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        """The server's process; it must run."""
        assert self._process is not None
        return self._process.pid

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop_gently(self) -> None:
        """Stop as at a restart by the administrator: it ends its connections first."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(START_LIMIT)
        self._process = None

    def freeze(self) -> None:
        """Keep it from doing anything, until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signals.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signals.SIGCONT)

    def _answers(self) -> bool:
        # PyMySQL leaves its socket open when nobody listens, so first see whether there is one to connect to.
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(self._socket):
                return False
        try:
            self.connect().close()
        except pymysql.err.OperationalError:
            return False
        return True

    @property
    def _socket(self) -> str:
        return str(self.folder / "sock")

    def _place(self) -> list[str]:
        place = [f"--datadir={self._data}", f"--tmpdir={self.folder}"]
        return [*place, "--user=root"] if os.geteuid() == 0 else place

    def _install(self) -> None:
        options = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", *self._place(), *options],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=START_LIMIT,
        )


def database_name(database_url: str) -> str:
    """The name within a DATABASE_URL."""
    return database_url.rsplit("/", 1)[1].split("?")[0]
