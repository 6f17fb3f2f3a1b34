"""A container without Docker: an image's command as PID 1 of namespaces of its own, on a read-only root."""

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Final

import psutil

from tests.images import Image
from tests.servers import wait_for

_START: Final = """
set -eu
tree=$1 volumes=$2 user=$3
shift 3
ip link set lo up
mount --bind "$tree" "$tree"
mount -o remount,bind,ro "$tree"
mount -t proc proc "$tree/proc"
mount -t tmpfs -o mode=1777,nosuid,nodev,noexec tmpfs "$tree/tmp"
for volume in $(ls "$volumes"); do mount --bind "$volumes/$volume" "$tree/$volume"; done
exec setpriv --no-new-privs chroot --userspec="$user" "$tree" "$@"
"""


class Container:
    """`docker run --read-only --tmpfs /tmp` with a folder for each volume, and a network of its own."""

    def __init__(self, image: Image, folder: Path, **settings: str) -> None:
        self._image = image
        self._folder = folder
        self._environment = [
            f"{name}={value}" for name, value in {**image.environment, "HOME": "/tmp", **settings}.items()
        ]
        self.volumes = folder / "volumes"
        for volume in image.words("VOLUME"):
            self._make_volume(self.volumes / volume.lstrip("/"), image.inside(volume))
        self._outside: subprocess.Popen[bytes]

    def __enter__(self) -> "Container":
        user = self._image.said("USER")
        inside = ["/usr/bin/env", "-i", f"--chdir={self._image.said('WORKDIR')}", *self._environment]
        command = ["sh", "-c", _START, "sh", str(self._image.tree), str(self.volumes), user, *inside]
        namespaces = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child"]
        with (self._folder / "container.log").open("wb") as log:
            self._outside = subprocess.Popen(
                [*namespaces, *command, *self._image.words("CMD")], stdout=log, stderr=log
            )
        wait_for(lambda: bool(psutil.Process(self._outside.pid).children()), "the container's start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._outside.kill()  # and with it, by --kill-child, whatever still runs inside
        self._outside.wait()

    @property
    def first(self) -> psutil.Process:
        """Its PID 1, as seen from outside."""
        assert self._outside.poll() is None, self.log()[-3000:]
        return psutil.Process(self._outside.pid).children()[0]

    def run(self, *command: str, root: bool = False) -> subprocess.CompletedProcess[str]:
        """As `docker exec`."""
        user, _, group = self._image.said("USER").partition(":")
        who = [] if root else ["--setuid", user, "--setgid", group]
        enter = [
            "nsenter",
            "--target",
            str(self.first.pid),
            "--mount",
            "--pid",
            "--net",
            "--root",
            "--wd",
            *who,
        ]
        return _run(*enter, "/usr/bin/env", "-i", *self._environment, *command)

    def curl(self, *arguments: str) -> str:
        """Call it from the machine on which it runs."""
        enter = ["nsenter", "--target", str(self.first.pid), "--net"]
        return _run(*enter, "curl", "--silent", "--show-error", *arguments).stdout

    def exit_status(self, limit: float) -> int:
        return self._outside.wait(limit)

    def log(self) -> str:
        return (self._folder / "container.log").read_text(errors="replace")

    def _make_volume(self, folder: Path, like: Path) -> None:
        """A new volume has the owner and the mode of the image's folder."""
        folder.mkdir(parents=True)
        status = like.stat()
        folder.chmod(status.st_mode & 0o777)
        subprocess.run(["chown", f"{status.st_uid}:{status.st_gid}", str(folder)], check=True)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
